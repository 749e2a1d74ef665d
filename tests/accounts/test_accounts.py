"""Who may come in, for how long, and how often it may be tried."""

from __future__ import annotations

import sqlite3
import stat
import threading
import time
from pathlib import Path

import pytest

from workbench.accounts import ABSOLUTE, IDLE, Accounts, Tickets, check_password, hash_password, new_password
from workbench.accounts.attempts import FOR_A_NAME, FROM_AN_ADDRESS, WINDOW
from workbench.cli import main
from workbench.errors import AccountError, SubjectError

GOOD = "four good words here"


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    made = Accounts(tmp_path / "accounts.sqlite")
    made.add("anna", password=GOOD)
    return made


def test_passwords_are_kept_as_argon2id_and_never_as_they_are(accounts: Accounts) -> None:
    accounts.open_session(accounts.log_in("anna", GOOD))
    everything = b"".join(path.read_bytes() for path in accounts.file.parent.iterdir())
    assert b"$argon2id$v=19$m=65536,t=3,p=1$" in everything and GOOD.encode() not in everything
    assert stat.S_IMODE(accounts.file.stat().st_mode) == 0o600
    assert check_password(GOOD, hash_password(GOOD)) and not check_password(GOOD + "x", hash_password(GOOD))
    assert hash_password(GOOD) != hash_password(GOOD) and new_password() != new_password()
    with pytest.raises(AccountError, match="9 characters"):
        hash_password("too short")


def test_a_wrong_name_a_wrong_password_and_a_locked_account_look_alike(accounts: Accounts) -> None:
    accounts.add("ben", password=GOOD)
    accounts.lock("ben")
    said, took = [], []
    for name, password in (("anna", "wrong password"), ("nobody", GOOD), ("ben", GOOD)):
        start = time.perf_counter()
        with pytest.raises(AccountError) as caught:
            accounts.log_in(name, password)
        took.append(time.perf_counter() - start)
        said.append(str(caught.value))
    assert len(set(said)) == 1
    assert min(took) > 0.02, "somebody who is not there is refused without work, so one can tell"
    assert accounts.log_in("ANNA", GOOD).name == "anna"


def test_lock_out_and_rate_limit_survive_a_restart(accounts: Accounts) -> None:
    for _ in range(FOR_A_NAME):
        with pytest.raises(AccountError, match="not right"):
            accounts.log_in("anna", "wrong password", "10.0.0.1")
    after_restart = Accounts(accounts.file)
    with pytest.raises(AccountError, match=r"too many attempts.*15 min"):
        after_restart.log_in("anna", GOOD, "10.9.9.9")
    after_restart.attempts.begin("anna", "10.9.9.9", now=time.time() + WINDOW + 1)  # the time is over
    now = time.time() + 2 * WINDOW
    for index in range(FROM_AN_ADDRESS):
        after_restart.attempts.begin(f"name-{index}", "10.0.0.2", now)
    with pytest.raises(AccountError, match="too many"):
        after_restart.attempts.begin("another", "10.0.0.2", now)
    after_restart.attempts.begin("another", "10.0.0.3", now)


def test_all_of_an_office_come_in_from_one_address_and_nobody_guesses_more_by_coming_in(accounts: Accounts) -> None:
    accounts.add("ben", password=GOOD)
    for index in range(FROM_AN_ADDRESS - 1):
        accounts.attempts.begin(f"name-{index}", "10.0.0.1")
    for _ in range(5):
        assert accounts.log_in("anna", GOOD, "10.0.0.1").name == "anna"
    with pytest.raises(AccountError, match="not right"):
        accounts.log_in("ben", "wrong password", "10.0.0.1")
    with pytest.raises(AccountError, match="too many"):
        accounts.log_in("anna", GOOD, "10.0.0.1")


def test_attempts_at_the_same_moment_all_count(accounts: Accounts) -> None:
    let = []

    def knock() -> None:
        try:
            accounts.attempts.begin("anna", "10.0.0.1")
            let.append(1)
        except AccountError:
            pass  # refused: it is the others that are counted

    threads = [threading.Thread(target=knock) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let) == FOR_A_NAME


def test_sessions_end_when_idle_and_at_the_latest_after_half_a_day(accounts: Accounts) -> None:
    anna = accounts.find("anna")
    token = accounts.open_session(anna, now=0.0)
    step, now = IDLE * 0.9, 0.0
    while now + step < ABSOLUTE:
        now += step
        assert accounts.session(token, now=now) == accounts.find("anna"), f"used all the time, and over after {now} s"
    assert accounts.session(token, now=ABSOLUTE + 1) is None, "used all the time, it must end too"
    token = accounts.open_session(anna, now=0.0)
    assert accounts.session(token, active=False, now=IDLE * 0.9) is not None
    assert accounts.session(token, now=IDLE * 1.1) is None, "what the page does by itself kept it alive"
    token = accounts.open_session(anna, now=10 * IDLE)
    assert accounts.session(token, now=0.0) is None, "a clock that was set back gives no time"


def test_locking_a_new_password_and_logging_out_end_sessions(accounts: Accounts) -> None:
    anna = accounts.find("anna")
    for end in (
        lambda token: accounts.lock("anna"),
        lambda token: accounts.lock("anna", False) or accounts.reset("anna"),
        accounts.close_session,
        lambda token: accounts.remove("anna"),
    ):
        accounts.lock("anna", False)
        token = accounts.open_session(anna)
        assert accounts.session(token) is not None and accounts.session(token + "x") is None
        end(token)
        assert accounts.session(token) is None
    with sqlite3.connect(accounts.file) as database:
        assert database.execute("SELECT COUNT(*) FROM sessions").fetchone() == (0,)


def test_a_new_password_by_an_admin_is_told_until_the_owner_changes_it(accounts: Accounts) -> None:
    given = accounts.reset("anna", by="root")
    with pytest.raises(AccountError):
        accounts.log_in("anna", GOOD)
    anna = accounts.log_in("anna", given)
    assert anna.reset > 0 and accounts.events()[0][1:] == ("root", "gave a new password to", "anna")
    with pytest.raises(AccountError, match="not right"):
        accounts.change_password(anna, "wrong password", "another good one")
    accounts.change_password(anna, given, "another good one")
    assert accounts.log_in("anna", "another good one").reset == 0


def test_names_are_taken_once_and_are_no_paths(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="has an account"):
        accounts.add("Anna", password=GOOD)
    with pytest.raises(SubjectError):
        accounts.add("../ben", password=GOOD)
    with pytest.raises(AccountError, match="role"):
        accounts.add("ben", role="king", password=GOOD)
    with pytest.raises(AccountError, match="no account"):
        accounts.find("ben")


def test_a_ticket_is_good_once_for_a_minute_in_its_own_browser(accounts: Accounts) -> None:
    tickets = Tickets(accounts.file)
    accounts.add("olga", email="Olga@Example.org")
    with pytest.raises(AccountError):
        accounts.log_in("olga", "", "10.0.0.1")
    olga = tickets.by_email("olga@example.org", "issuer 1")
    with pytest.raises(AccountError, match="no account"):
        tickets.by_email("olga@example.org", "issuer 2")  # the address was given to somebody else
    with pytest.raises(AccountError, match="no account"):
        tickets.by_email("", "issuer 1")
    for browser, later in (("another", 0), ("", 0), ("browser", 61)):
        with pytest.raises(AccountError, match="over"):
            tickets.take(tickets.make(olga, "browser"), browser, time.time() + later)
    ticket = tickets.make(olga, "browser")
    assert tickets.take(ticket, "browser").name == "olga"
    with pytest.raises(AccountError, match="over"):
        tickets.take(ticket, "browser")


def test_the_command_makes_locks_resets_and_removes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accounts", "add", "mia"]) == 0
    password = capsys.readouterr().out.strip().rpartition(" ")[2]
    accounts = Accounts()
    mia = accounts.log_in("mia", password)
    from workbench.accounts import Owner

    owner = Owner.of(mia.id)
    owner.prepare()
    (owner.home / "subjects").mkdir(parents=True)
    (owner.home / "subjects" / "photo.png").write_bytes(b"a face")
    assert main(["accounts", "lock", "mia"]) == 0 and accounts.find("mia").locked
    assert main(["accounts", "unlock", "mia"]) == 0 and not accounts.find("mia").locked
    assert main(["accounts", "reset", "mia"]) == 0
    assert main(["accounts"]) == 0 and "mia" in capsys.readouterr().out
    assert main(["accounts", "remove", "mia"]) == 2, "nobody was here to ask"
    assert main(["accounts", "remove", "mia", "--yes"]) == 0
    assert not owner.folder.exists() and not (owner.keys / owner.id).exists() and accounts.everyone() == []


def test_the_shared_page_needs_accounts_and_tls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--shared"]) == 2 and "accounts add" in capsys.readouterr().err
    Accounts().add("mia", password=GOOD)
    assert main(["ui", "--shared", "--address", "0.0.0.0"]) == 2 and "in the open" in capsys.readouterr().err
    assert main(["ui", "--address", "0.0.0.0"]) == 2 and "no login" in capsys.readouterr().err
