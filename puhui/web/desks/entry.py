"""Staff come in: password, second factor, and the first page with what waits today."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from puhui.channel import address_of, said
from puhui.complaint import list_complaints
from puhui.kernel.errors import Refused
from puhui.lending import portfolio
from puhui.lending.window import count_by_day, list_reviews
from puhui.web.ask import Ask, own_path

COUNT_MAX = 1_000


def login(ask: Ask) -> Response:
    """The login name and the password."""
    if ask.session is not None and ask.session.grade != "own":
        return ask.go("/desk" if ask.session.grade == "staff" else "/desk/factor")
    return _login(ask)


def _login(ask: Ask) -> Response:
    return ask.page("desk_login.html", login=ask.text("login"), next=_next(ask), back="/")


def _next(ask: Ask) -> str:
    return own_path(ask.query.get("next", ""), "/desk")


def try_password(ask: Ask) -> Response:
    """Let staff in half-way; the second factor makes it whole."""
    login_name, password = ask.text("login"), ask.form.get("password", "")
    if not login_name or not password:
        ask.wrong("login", ask.say("desk.login_missing"))
        return _login(ask)
    address = address_of(ask.request.scope)
    try:
        found = ask.site.gate.try_password(login_name, password, address=address, key=ask.key)
    except Refused as refused:
        ask.wrong("login", said(refused.code, ask.view.language))
        return _login(ask)
    if found.token is None or found.session is None:
        ask.wrong("login", said(found.code or "party.login_failed", ask.view.language))
        return _login(ask)
    ask.log_in(found.token)
    if found.session.grade == "own":
        return ask.go("/me")
    return ask.go(f"/desk/factor?next={_next(ask)}")


def factor(ask: Ask) -> Response:
    """The second factor: six digits, and the first time the picture to set it up from."""
    assert ask.session is not None, ask.path
    if ask.session.grade != "half":
        return ask.go("/desk")
    return _factor(ask)


def _factor(ask: Ask) -> Response:
    assert ask.session is not None, ask.path
    enrolment = ask.site.gate.enrol(ask.session, key=ask.session.id)
    return ask.page("desk_factor.html", enrolment=enrolment, next=_next(ask))


def confirm(ask: Ask) -> Response:
    """Take the digits; a right one opens the desk in a new session."""
    assert ask.session is not None, ask.path
    if ask.session.grade != "half":
        return ask.go("/desk")
    digits = "".join(ask.text("digits").split())
    try:
        found = ask.site.gate.confirm(ask.session, digits, key=ask.key)
    except Refused as refused:
        ask.wrong("digits", said(refused.code, ask.view.language))
        return _factor(ask)
    if found.token is None:
        ask.wrong("digits", said(found.code or "", ask.view.language))
        return _factor(ask)
    ask.log_in(found.token)
    return ask.go(_next(ask))


def password(ask: Ask) -> Response:
    """The own password, old and new."""
    return ask.page("desk_password.html", at="password", login=ask.text("login"))


def change_password(ask: Ask) -> Response:
    """Change the own password; every session of this login ends, this one too."""
    told = {
        "login": ask.text("login"),
        "old": ask.form.get("old", ""),
        "new": ask.form.get("new", ""),
        "address": address_of(ask.request.scope),
    }
    try:
        answer = ask.act("party.change_password", told)
    except Refused as refused:
        name = "new" if refused.code == "party.weak_password" else "login"
        ask.wrong(name, said(refused.code, ask.view.language))
        return password(ask)
    if answer.code is not None:
        ask.wrong("old", said(answer.code, ask.view.language))
        return password(ask)
    ask.log_out()
    return ask.go("/desk/login")


def overview(ask: Ask) -> Response:
    """What waits today, as far as the roles reach."""
    now_us = ask.node.clock.now_us()
    with ask.node.read() as tx:
        reviews = list_reviews(tx, status="open", count=COUNT_MAX)
        proposed = list_reviews(tx, status="proposed", count=COUNT_MAX)
        complaints = list_complaints(tx, status="filed", count=COUNT_MAX)
        days = count_by_day(tx, since=ask.today - timedelta(days=6), until=ask.today)
        sums = portfolio(tx)
    running = [row for row in sums if row.status in ("current", "past_due")]
    return ask.page(
        "desk.html",
        at="overview",
        reviews=reviews,
        proposed=proposed,
        complaints=complaints,
        late=[one for one in complaints if one.due_on < ask.today],
        days=days,
        running=running,
        now_us=now_us,
    )
