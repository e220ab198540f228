"""Changing the own password: the old one is compared like a login, with the same slowing."""

from __future__ import annotations

from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import hash_password
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.party import rules
from puhui.party.desk.lists import identity_rules, login_rules
from puhui.party.desk.user import authenticate, compare_password
from puhui.party.nouns import Authenticate, LoginAnswer
from puhui.party.nouns.session import ChangePassword, HashedChange
from puhui.party.tables import session as session_tables


def hash_change(node: Node, input: ChangePassword | HashedChange) -> HashedChange:
    """Compare the old password and hash the new one, before the act.

    Refused: ``party.bad_login``, ``party.bad_phone``, ``party.weak_password``,
    ``party.sealed_input``.
    """
    if not isinstance(input, ChangePassword):
        raise Refused("party.sealed_input", "A password is changed by plain words only.")
    login = rules.check_login(input.login, identity_rules())
    rules.check_password(input.new, login, login_rules())
    tried = compare_password(node, Authenticate(input.login, input.old, input.address))
    return HashedChange(tried, hash_password(input.new))


@use_case(
    "party.change_password",
    roles=(
        "visitor",
        "customer",
        "loan_officer",
        "risk_analyst",
        "collector",
        "operator",
        "administrator",
        "auditor",
        "compliance_officer",
        "data_partner",
        "supervisor",
    ),
    prepare=hash_change,
)
def change_password(act: Act, input: ChangePassword | HashedChange) -> LoginAnswer:
    """Give the own login another password; its sessions end, so one logs in anew.

    A wrong old password is an outcome and counts as a failed login: see ``LoginAnswer``.
    Refused: ``party.not_yours`` and what ``hash_change`` refuses.
    """
    assert isinstance(input, HashedChange), input
    answer = authenticate(act, input.tried)
    if answer.user_id is None:
        return answer
    if answer.user_id != act.actor:
        raise Refused("party.not_yours", "Only the person concerned may do this.")
    act.tx.put(
        session_tables.SET_PASSWORD,
        of_user_id=answer.user_id,
        new_password_hash=input.password_hash,
    )
    act.tx.put(session_tables.CLOSE_SESSIONS, of_user_id=answer.user_id, now_us=act.now_us)
    return answer
