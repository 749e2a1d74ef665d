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
from workbench.privacy import erase
from workbench.processes import launcher_pid, number, read_object, worker_pid

_LIVE = ("preparing", "running", "saving")


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
        found.append(Work(index, state if state in _LIVE else "starting", done, folder))
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
        return f"{name} may log in" + (f" with {password} (shown once)" if password else " at the provider")
    account = accounts.find(name)
    if action in ("lock", "remove", "reset") and account.name == by:
        raise AccountError(by, "this is your own account", "Ask another admin, or use the command line")
    owner = Owner.of(account.id)
    if action in ("lock", "unlock"):
        accounts.lock(name, action == "lock", by=by)
        return f"{name} is {action}ed"
    if action == "reset":
        return f"{name} may log in with {accounts.reset(name, by=by)} (shown once)"
    if action == "remove":
        return remove(accounts, name, form.get("again", ""), by)
    if action == "stop":
        work = [each for each in work_of(owner) if str(each.index) == form.get("run")]
        for each in work:
            atomic_write(each.folder / "stop", "")
        return "It is asked to save and stop" if work else "It had ended already"
    if action == "tidy":
        places = [owner.home / "cache", owner.home / "trash"]
        erase([each for each in places if each.exists()])
        return f"Caches and deleted adapters of {name} are erased"
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
    gone = len(owner.erase())
    return f"{name} is removed" + (", and all that was theirs is erased" if gone else "")


def admin_page(
    accounts: Accounts, admin: Account, open_pages: set[str], said: str = "", error: str = ""
) -> HTMLResponse:
    """The admin's page."""
    rows = "".join(_row(each, admin, each.id in open_pages) for each in accounts.everyone())
    roles = "".join(f'<option value="{key}">{key}: {escape(text)}</option>' for key, text in ROLES.items())
    events = "".join(
        f"<tr><td>{_when(at)}</td><td>{escape(who)}</td><td>{escape(what)} {escape(whom)}</td></tr>"
        for at, who, what, whom in accounts.events(20)
    )
    return page(
        "Admin · Chibi workbench",
        '<div class="top"><h1>Accounts, disk, jobs</h1><span class="row">'
        f'<a href="/account">{escape(admin.name)}</a></span></div>'
        f"<p>{free_space(accounts.file) / 1e9:.1f} GB of the disk are free. Nobody&#x27;s photos, pictures or prompts "
        f"are shown here.</p>{message(error)}{message(said, 'good')}"
        '<div class="scroll"><table><tr><th>name</th><th>role</th><th>last here</th><th>disk</th><th>jobs</th>'
        f"<th></th></tr>{rows}</table></div>"
        '<h2>New account</h2><form method="post" action="/admin/add"><div class="row">'
        '<input name="name" placeholder="name" aria-label="Name" required maxlength="40" style="max-width:12rem">'
        '<input name="email" type="email" placeholder="email at the provider, if there is one" aria-label="Email" '
        'style="max-width:18rem">'
        f'<select name="role" aria-label="Role" style="max-width:20rem">{roles}</select>'
        "<button>Add</button></div></form>"
        f'<h2>What was done</h2><div class="scroll"><table>{events}</table></div>',
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
        f"{each.state} {each.done:.0%} {_button('stop', name, 'Stop', run=str(each.index))}" for each in work_of(owner)
    )
    waiting = len(queue.jobs("submitted", owner=account.id))
    jobs += f"{waiting} waiting" if waiting else ""
    actions = ""
    if account.name != admin.name:
        actions = (
            _button("unlock" if account.locked else "lock", name, "Unlock" if account.locked else "Lock")
            + ("" if account.email else _button("reset", name, "New password"))
            + (_button("tidy", name, "Erase caches") if total else "")
            + f'<form method="post" action="/admin/remove" class="row"><input type="hidden" name="name" value="{name}">'
            f'<input name="again" placeholder="type {name}" aria-label="Type {name} to remove the account" '
            'style="max-width:9rem;padding:.25rem .6rem" required autocomplete="off">'
            '<button class="quiet">Remove</button></form>'
        )
    state = " · locked" if account.locked else " · here now" if here else ""
    return (
        f"<tr><td><b>{name}</b>{state}<br><small>{escape(account.email)}</small></td><td>{account.role}</td>"
        f"<td>{_when(account.seen) if account.seen else 'never'}</td>"
        f"<td>{total / 1e6:.0f} MB<br><small>{escape(kinds)}</small></td><td>{jobs or '–'}</td>"
        f'<td><div class="row">{actions}</div></td></tr>'
    )


def _button(action: str, name: str, label: str, **more: str) -> str:
    fields = "".join(
        f'<input type="hidden" name="{key}" value="{value}">' for key, value in {"name": name, **more}.items()
    )
    return f'<form method="post" action="/admin/{action}">{fields}<button class="quiet">{label}</button></form>'


def _when(at: float) -> str:
    if time.time() - at < 60:
        return "just now"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
