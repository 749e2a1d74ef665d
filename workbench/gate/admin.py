"""What an admin sees and does: accounts, disk and jobs. No photo, picture, prompt or name of a person is shown."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from starlette.responses import HTMLResponse

from workbench.accounts import ROLES, Account, Accounts, Owner
from workbench.config import atomic_write, free_space
from workbench.errors import AccountError
from workbench.gate.forms import message, page
from workbench.jobs import queue
from workbench.jobs.processes import signal_all
from workbench.language import mark, tr
from workbench.privacy import erase
from workbench.processes import launcher_pid, number, read_object, worker_pid

_LIVE = ("preparing", "running", "saving")
STARTING = mark("starting")
COMMAND = mark("command")  # who does what is done on the server's own command line
ROLE_NAMES = {"owner": mark("owner"), "admin": mark("admin")}
# What the book of events says was done.
DONE = {
    "added": mark("added {whom}"),
    "locked": mark("locked {whom}"),
    "unlocked": mark("unlocked {whom}"),
    "removed": mark("removed {whom}"),
    "gave a new password to": mark("gave a new password to {whom}"),
}


@dataclass(frozen=True)
class Work:
    """A training of an owner, without its name, which is a person's.

    Args:
        index: the how manieth of the owner's runs, by folder.
        state: what its process says.
        done: from 0 to 1.
    """

    index: int
    state: str
    done: float
    folder: Path


def work_of(owner: Owner) -> list[Work]:
    """The trainings that go on."""
    found = []
    runs = owner.home / "runs"
    for index, folder in enumerate(sorted(runs.iterdir()) if runs.is_dir() else []):
        if worker_pid(folder) is None and launcher_pid(folder) is None:
            continue
        status = read_object(folder / "status.json")
        state = str(status.get("state"))
        steps = number(status.get("steps")) or 0.0
        done = (number(status.get("step")) or 0.0) / steps if steps else 0.0
        found.append(Work(index, state if state in _LIVE else STARTING, done, folder))
    return found


def act(accounts: Accounts, action: str, form: dict[str, str], by: str) -> str:
    """Does what an admin asked for.

    Args:
        action: add, lock, unlock, reset, remove, stop or tidy.
        by: the admin's name, for the record.

    Returns:
        What to say; a new password is said here and nowhere else.

    Raises:
        AccountError: there is no such account or action, or the admin would shut themselves out.
    """
    name = form.get("name", "")
    if action == "add":
        password = accounts.add(name, form.get("role", "owner"), email=form.get("email", ""), by=by)
        if password:
            return tr("{name} may log in with {password} (shown once)", name=name, password=password)
        return tr("{name} may log in at the provider", name=name)
    account = accounts.find(name)
    if action in ("lock", "remove", "reset") and account.name == by:
        raise AccountError(by, "this is your own account", "Ask another admin, or use the command line")
    owner = Owner.of(account.id)
    if action in ("lock", "unlock"):
        accounts.lock(name, action == "lock", by=by)
        return tr("{name} is locked", name=name) if action == "lock" else tr("{name} is unlocked", name=name)
    if action == "reset":
        password = accounts.reset(name, by=by)
        return tr("{name} may log in with {password} (shown once)", name=name, password=password)
    if action == "remove":
        return remove(accounts, name, form.get("again", ""), by)
    if action == "stop":
        work = [each for each in work_of(owner) if str(each.index) == form.get("run")]
        for each in work:
            atomic_write(each.folder / "stop", "")
        return tr("It is asked to save and stop") if work else tr("It had ended already")
    if action == "tidy":
        places = [owner.home / "cache", owner.home / "trash"]
        erase([each for each in places if each.exists()])
        return tr("Caches and deleted adapters of {name} are erased", name=name)
    raise AccountError(action, "there is no such action", "Go back")


def remove(accounts: Accounts, name: str, again: str, by: str) -> str:
    """Takes an account out, ends its trainings, and erases all that it has.

    Raises:
        AccountError: the name was not typed a second time, or there is none.
    """
    import signal

    if again.strip() != name:
        raise AccountError(name, "the name was not typed again", "Type it to erase all that this account has")
    account = accounts.remove(name, by=by)
    owner = Owner.of(account.id)
    queue.drop(owner=account.id)  # first, so that nothing of the line begins anew
    for each in work_of(owner):
        signal_all(each.folder, signal.SIGKILL)
    if owner.erase():
        return tr("{name} is removed, and all that was theirs is erased", name=name)
    return tr("{name} is removed", name=name)


def admin_page(
    accounts: Accounts, admin: Account, open_pages: set[str], said: str = "", error: str = ""
) -> HTMLResponse:
    """The admin's page."""
    rows = "".join(_row(each, admin, each.id in open_pages) for each in accounts.everyone())
    roles = "".join(
        f'<option value="{key}">{escape(tr(ROLE_NAMES[key]))}{escape(tr(": "))}{escape(tr(text))}</option>'
        for key, text in ROLES.items()
    )
    events = "".join(
        f"<tr><td>{_when(at)}</td><td>{escape(tr(who) if who == COMMAND else who)}</td>"
        f"<td>{escape(tr(DONE[what], whom=whom))}</td></tr>"
        for at, who, what, whom in accounts.events(20)
    )
    free = f"{free_space(accounts.file) / 1e9:.1f}"
    lead = tr("{free} GB of the disk are free. Nobody’s photos, pictures or prompts are shown here.", free=free)
    columns = (tr("name"), tr("role"), tr("last here"), tr("disk"), tr("jobs"), "")
    heads = "".join(f"<th>{escape(each)}</th>" for each in columns)
    email = tr("email at the provider, if there is one")
    return page(
        tr("Admin · Chibi workbench"),
        f'<div class="top"><h1>{escape(tr("Accounts, disk, jobs"))}</h1><span class="row">'
        f'<a href="/account">{escape(admin.name)}</a></span></div>'
        f"<p>{escape(lead)}</p>"
        f"{message(error)}{message(said, 'good')}"
        f'<div class="scroll"><table><tr>{heads}</tr>{rows}</table></div>'
        f'<h2>{escape(tr("New account"))}</h2><form method="post" action="/admin/add"><div class="row">'
        f'<input name="name" {_labelled(tr("name"), tr("Name"))} required maxlength="40" style="max-width:12rem">'
        f'<input name="email" type="email" {_labelled(email, tr("Email"))} style="max-width:18rem">'
        f'<select name="role" {_labelled("", tr("Role"))} style="max-width:20rem">{roles}</select>'
        f"<button>{escape(tr('Add'))}</button></div></form>"
        f'<h2>{escape(tr("What was done"))}</h2><div class="scroll"><table>{events}</table></div>',
        "/admin",
        wide=True,
    )


def _row(account: Account, admin: Account, here: bool) -> str:
    owner = Owner.of(account.id)
    sizes: Counter[str] = Counter()
    for kind, size in owner.files():
        sizes[kind] += size
    total = sum(sizes.values())
    kinds = ", ".join(f"{kind} {size / 1e6:.0f} MB" for kind, size in sizes.most_common(4) if size >= 1e6)
    name = escape(account.name, quote=True)
    jobs = "".join(
        f"{escape(tr(each.state))} {each.done:.0%} {_button('stop', name, tr('Stop'), run=str(each.index))}"
        for each in work_of(owner)
    )
    waiting = len(queue.jobs("submitted", owner=account.id))
    jobs += escape(tr("{waiting} waiting", waiting=waiting)) if waiting else ""
    actions, again = "", tr("Type {name} to remove the account", name=account.name)
    if account.name != admin.name:
        actions = (
            _button("unlock" if account.locked else "lock", name, tr("Unlock") if account.locked else tr("Lock"))
            + ("" if account.email else _button("reset", name, tr("New password")))
            + (_button("tidy", name, tr("Erase caches")) if total else "")
            + f'<form method="post" action="/admin/remove" class="row"><input type="hidden" name="name" value="{name}">'
            f'<input name="again" {_labelled(tr("type {name}", name=account.name), again)} '
            'style="max-width:9rem;padding:.25rem .6rem" required autocomplete="off">'
            f'<button class="quiet">{escape(tr("Remove"))}</button></form>'
        )
    state = tr("locked") if account.locked else tr("here now") if here else ""
    state = f" · {escape(state)}" if state else ""
    return (
        f"<tr><td><b>{name}</b>{state}<br><small>{escape(account.email)}</small></td>"
        f"<td>{escape(tr(ROLE_NAMES[account.role]))}</td>"
        f"<td>{_when(account.seen) if account.seen else escape(tr('never'))}</td>"
        f"<td>{total / 1e6:.0f} MB<br><small>{escape(kinds)}</small></td><td>{jobs or '–'}</td>"
        f'<td><div class="row">{actions}</div></td></tr>'
    )


def _button(action: str, name: str, label: str, **more: str) -> str:
    fields = "".join(
        f'<input type="hidden" name="{key}" value="{value}">' for key, value in {"name": name, **more}.items()
    )
    return f'<form method="post" action="/admin/{action}">{fields}<button class="quiet">{escape(label)}</button></form>'


def _labelled(placeholder: str, label: str) -> str:
    """What a field says to those who see it, and to those who hear it."""
    return f'placeholder="{escape(placeholder, quote=True)}" aria-label="{escape(label, quote=True)}"'


def _when(at: float) -> str:
    if time.time() - at < 60:
        return escape(tr("just now"))
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
