"""The administrator's desk: users, their roles, and closing what should not be open."""

from __future__ import annotations

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel.errors import Refused
from puhui.party.window import read_users, staff_roles
from puhui.web.ask import Ask, Missing
from puhui.web.column import Column
from puhui.web.export import ending_of, file_reply, of_rows
from puhui.web.table import sheet_of

VERBS = {
    "grant": "party.grant_role",
    "revoke": "party.revoke_role",
    "disable": "party.disable_user",
    "factor": "party.reset_factor",
    "sessions": "party.close_sessions",
}
USERS = (
    Column("user", "desk.user", lambda row: row.id),
    Column("party", "desk.customer", lambda row: row.party_id),
    Column("roles", "desk.roles", lambda row: " ".join(row.roles)),
    Column("is_closed", "desk.closed", lambda row: row.is_disabled),
)


def overview(ask: Ask) -> Response:
    """Staff with their roles; customers only when asked for."""
    return _overview(ask)


def _overview(ask: Ask) -> Response:
    sheet = sheet_of(
        "/desk/users", ask.query, filters=("role", "kind"), order="id", orders={"id", "roles"}
    )
    with ask.node.read() as tx:
        users = read_users(tx)
    role, kind = sheet.filters["role"], sheet.filters["kind"]
    found = [
        user
        for user in users
        if (not role or role in user.roles) and (kind == "all" or bool(user.roles))
    ]
    if sheet.order.removeprefix("-") == "roles":
        found.sort(key=lambda user: user.roles)
    if sheet.order.startswith("-"):
        found.reverse()
    if ending_of(ask):
        return file_reply(ask, "users", USERS, of_rows(found), sheet.filters)
    return ask.page(
        "desk_users.html",
        at="users",
        sheet=sheet,
        rows=found[sheet.skip : sheet.skip + sheet.size],
        has_more=len(found) > sheet.skip + sheet.size,
        roles_known=staff_roles(),
        login=ask.text("login"),
    )


def add(ask: Ask) -> Response:
    """Make a login for somebody of the staff; roles come after."""
    told = {"login": ask.text("login"), "password": ask.form.get("password", "")}
    try:
        made = ask.act("party.register_user", told)
    except Refused as refused:
        name = "password" if refused.code == "party.weak_password" else "login"
        ask.wrong(name, said(refused.code, ask.view.language))
        return _overview(ask)
    return ask.go(f"/desk/user/{made.user_id}")


def show(ask: Ask) -> Response:
    """One user: roles to grant and to take, and what can be closed."""
    return _show(ask)


def _show(ask: Ask) -> Response:
    user_id = ask.request.path_params["user_id"]
    with ask.node.read() as tx:
        found = [user for user in read_users(tx) if user.id == user_id]
    if not found:
        raise Missing
    return ask.page("desk_user.html", at="users", user=found[0], roles_known=staff_roles())


def change(ask: Ask) -> Response:
    """Grant or take a role, close the login, its sessions or its second factor."""
    user_id = ask.request.path_params["user_id"]
    verb = ask.text("verb")
    if verb not in VERBS:
        raise Missing
    told = {"user_id": user_id}
    if verb in ("grant", "revoke"):
        told["role"] = ask.text("role")
    try:
        ask.act(VERBS[verb], told)
    except Refused as refused:
        ask.wrong("_user", said(refused.code, ask.view.language))
        return _show(ask)
    return ask.go(f"/desk/user/{user_id}")
