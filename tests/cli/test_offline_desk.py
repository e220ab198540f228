"""What staff do with offline wallets, from the command line: revoked, let in, closed, covered."""

from __future__ import annotations

import pytest

from puhui.node import open_node
from tests.cli.program import Program
from tests.exchange.scheme import STAFF, top_up
from tests.party.people import register_person

pytestmark = pytest.mark.xdist_group("cli")


def test_wallets_are_revoked_and_let_in_again(program: Program) -> None:
    node = open_node(program.home)
    party_id = register_person(node, 1)
    top_up(node, party_id, "CNY", 50_000)
    given = {"party_id": party_id, "currency": "CNY", "allowance_limit_minor": 5_000,
             "wallet_key": "11" * 32}  # fmt: skip
    made = node.act("offline.grant_allowance", given, key="grant", actor=STAFF)
    node.close()
    early = program("offline", "close", made.allowance_id)
    assert (early.code, "(offline.too_early)" in early.err) == (2, True), early.said
    fresh = program("offline", "reinstate", party_id)
    assert (fresh.code, "(offline.not_revoked)" in fresh.err) == (2, True), fresh.said
    gone = program("offline", "revoke", party_id, "--json")
    assert gone.figures == {"epoch": 2, "is_revoked": True}
    assert program("offline", "revoke", party_id, "--json").figures == gone.figures
    back = program("offline", "reinstate", party_id, "--json")
    assert back.figures == {"epoch": 2, "is_revoked": False}
    funded = program("offline", "fund-cover", "500.00", "--json")
    assert funded.figures == {"amount_minor": 50_000, "currency": "CNY"}
    assert "500.00" in funded.out


def test_what_is_not_there_is_refused(program: Program) -> None:
    for words, code in (
        (("revoke", "nobody"), "offline.no_wallet"),
        (("reinstate", "nobody"), "offline.no_wallet"),
        (("close", "0" * 32), "offline.unknown_allowance"),
        (("fund-cover", "0"), "offline.bad_amount"),
        (("fund-cover", "much"), "kernel.bad_amount"),
    ):
        ended = program("offline", *words)
        assert (ended.code, f"({code})" in ended.err) == (2, True), ended.said
