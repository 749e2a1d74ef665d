"""The gate of a shared server: who is logged in is led to a page of their own, and to no other.

    browser ── cookie ──> gate ── unix socket ──> page of anna   WORKBENCH_HOME=…/people/3f…/workspace
                               └─ unix socket ──> page of ben    WORKBENCH_HOME=…/people/a1…/workspace

Every owner's page is a process of its own, with that owner's workspace, shelf and keys (`workbench.accounts.owner`).
Pictures that a page shows are in that process alone, so an address of a picture is worth nothing to anybody else. The
gate knows accounts and sessions; it opens no photo, and admins have no page, so they see none.

app.py      what is asked: log in and out, password, admin, everything else goes through
serve.py    the routes, and what every answer says to browsers
forward.py  requests and the page's socket, passed on
pages.py    one process for each owner, started when needed, stopped when idle
page.py     what such a process runs
forms.py    log in, account
language.py in which language
health.py   what a monitor asks
admin.py    accounts, disk and jobs, without names of people
"""

from __future__ import annotations

from workbench.gate.serve import make_gate, serve

__all__ = ["make_gate", "serve"]
