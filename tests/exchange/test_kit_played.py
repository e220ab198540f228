"""The Mojaloop test kit itself, step by step, on our rooms: what it expects of money holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from tests.exchange.kit_player import Player
from tests.exchange.kit_script import Held

FEATURES, FX, SETTLING = "feature_tests", "fx/feature_tests", "settlement_management"
FILES = {
    f"{FEATURES}/block_transfer.json": 8,
    f"{FEATURES}/duplicate_handling/transfers/fulfill_commit.json": 3,
    f"{FEATURES}/duplicate_handling/transfers/fulfill_reject.json": 2,
    f"{FEATURES}/duplicate_handling/transfers/original_transfer_at_committed.json": 2,
    f"{FEATURES}/funds_out/Reserve&Abort/funds_out_abort.json": 6,
    f"{FEATURES}/funds_out/Reserve&Commit/funds_out_commit.json": 6,
    f"{FEATURES}/p2p_money_transfer/p2p_happy_path.json": 1,
    f"{FEATURES}/p2p_money_transfer/p2p_happy_path_accent_unicode.json": 1,
    f"{FEATURES}/p2p_money_transfer/p2p_happy_path_burmese_unicode.json": 1,
    f"{FEATURES}/p2p_money_transfer/p2p_happy_path_subid.json": 1,
    f"{FEATURES}/p2p_money_transfer/p2p_happy_path_with_balance_checks.json": 7,
    f"{FEATURES}/p2p_money_transfer/p2p_happy_path_with_balance_checks_ttk.json": 7,
    f"{FEATURES}/transfer_negative_scenarios/fulfil-reserved-v1.0.json": 2,
    f"{FEATURES}/transfer_negative_scenarios/payee_abort_v1.1.json": 4,
    f"{FEATURES}/transfer_negative_scenarios/payee_invalid_fulfillment.json": 4,
    f"{FEATURES}/transfer_negative_scenarios/payee_invalid_timestamp.json": 3,
    f"{FEATURES}/transfer_negative_scenarios/payee_missing_fulfillment.json": 4,
    f"{FEATURES}/transfer_negative_scenarios/payer_transfer_timeout.json": 4,
    f"{FX}/duplicate_handling/duplicate_fx_transfers.json": 2,
    f"{FX}/happy_path/fx_tests.json": 10,
    f"{FX}/negative_scenarios/fxp_error.json": 8,
    f"{FX}/negative_scenarios/fxp_invalid_fulfillment.json": 5,
    f"{FX}/negative_scenarios/payee_invalid_fulfillment.json": 5,
    f"{FX}/negative_scenarios/timeout_scenarios.json": 9,
    f"{SETTLING}/Settlement-management-primary-currency-test.json": 40,
    f"{SETTLING}/Settlement-management-second-currency-test.json": 40,
}
"""Each file that is played, and how many of its assertions are about money."""
DIFFERS = {
    r"SettleAccountBalanceAfter(Reserve|Commit|Settle)\)": "here a settlement is paid from funds "
    "that participants have paid in; in the kit the operator moves money outside",
    r"(testfsp2|payerfsp)PositionAccountBalanceAfterReserve": "here who is owed is paid when the "
    "others pay, in one step; in the kit its position is cleared while they are only held",
    r"hubMultilateral": "here positions and funds stand against one another, with no third account",
}
"""What the kit expects and this house does otherwise on purpose, by the words of the assertion."""


def _differs(one: Held) -> bool:
    return any(re.search(words, one.text) for words in DIFFERS)


def _play(node: Node, clock: FixedClock, path: Path, change: Callable[[str], str] = str) -> Any:
    currency = "USD" if "second-currency" in path.name else "CNY"
    cases = json.loads(change(path.read_text("utf-8")))["test_cases"]
    return Player(node, clock, currency=currency).play(cases)


@pytest.mark.parametrize("name", FILES)
def test_what_the_kit_expects_of_money_holds(
    sqlite_node: Node, clock: FixedClock, reference_data: Callable[..., Path], name: str
) -> None:
    hub = reference_data("payments", "mojaloop-ttk", "collections", "hub", "golden_path")
    told = _play(sqlite_node, clock, hub / name)
    assert [(one.case, one.text) for one in told if not one.is_so and not _differs(one)] == []
    assert len(told) == FILES[name]


def test_what_differs_on_purpose_does(
    sqlite_node: Node, clock: FixedClock, reference_data: Callable[..., Path]
) -> None:
    """No reason is kept for what agrees by now."""
    hub = reference_data("payments", "mojaloop-ttk", "collections", "hub", "golden_path")
    told = _play(sqlite_node, clock, hub / SETTLING / [*FILES][-1].rpartition("/")[2])
    wrong = [one for one in told if not one.is_so]
    assert all(_differs(one) for one in wrong)
    assert all(any(re.search(words, one.text) for one in wrong) for words in DIFFERS)


def test_the_player_notices_another_expectation(
    sqlite_node: Node, clock: FixedClock, reference_data: Callable[..., Path]
) -> None:
    """The kit turned round: every assertion about a position fails that held before."""
    hub = reference_data("payments", "mojaloop-ttk", "collections", "hub", "golden_path")
    path = hub / FX / "negative_scenarios" / "timeout_scenarios.json"
    told = _play(
        sqlite_node, clock, path, lambda text: text.replace(".to.equal(", ".to.not.equal(")
    )
    assert len(told) == FILES[f"{FX}/negative_scenarios/timeout_scenarios.json"]
    assert not any(one.is_so for one in told)
