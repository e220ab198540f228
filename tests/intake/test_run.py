"""The runner: each application on its own, and what it counts as new."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from puhui.data import consents_of
from puhui.intake.read import FileRow
from puhui.intake.run import Ask, Course, Runner, Terms
from puhui.kernel import Actor, Fault, Node
from puhui.kernel.clock import FixedClock
from tests.lending.bank import BAD_ROW, GOOD_ROW, PRODUCT, Bank, open_bank

DIGEST = "a" * 64
DAY_US = 86_400_000_000


@pytest.fixture
def bank(node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """A bank with a model in force, on each kind of store."""
    return open_bank(node, operator, tmp_path)


def runner_of(bank: Bank) -> Runner:
    """A runner for rows of a file called test."""
    terms = Terms("file_test", PRODUCT, PRODUCT, bank.mapping_digest, "file")
    return Runner(bank.node, bank.operator, terms)


def asks(runner: Runner, count: int, row: dict[str, str] | None = None) -> list[Ask]:
    """As many applications of parties of the file."""
    keys = [f"{number:032x}" * 2 for number in range(count)]
    parties = runner.register([FileRow(n, key, {}) for n, key in enumerate(keys)])
    return [
        Ask(key, place, dict(row or GOOD_ROW), 1_000_000, parties[key])
        for place, key in enumerate(keys)
    ]


def outcomes(courses: list[Course]) -> list[str]:
    """What became of each: its outcome, or the code of its refusal."""
    return [one.refused.code if one.refused else one.outcome for one in courses]


def test_one_bad_application_harms_no_other(bank: Bank) -> None:
    runner = runner_of(bank)
    runner.consent(DIGEST, "a file of tests")
    wanted = asks(runner, 8)
    wanted[1] = replace(wanted[1], wanted_minor=0)
    wanted[2] = replace(wanted[2], row=dict(BAD_ROW))
    wanted[3] = replace(wanted[3], row={**GOOD_ROW, "flow": "-1"})
    wanted[4] = replace(wanted[4], party_id="party-unknown")
    wanted[5] = replace(wanted[5], row={**GOOD_ROW, "age": "17"})
    wanted[6] = replace(wanted[6], row={"x": "y" * 100_001})
    found = runner.lend(wanted)
    assert outcomes(found) == [
        "approved",
        "lending.bad_amount",
        "refused",
        "lending.bad_facts",
        "party.unknown",
        "refused",
        "lending.row_too_large",
        "approved",
    ]
    assert [one.disbursed_minor for one in found] == [1_000_000, 0, 0, 0, 0, 0, 0, 1_000_000]
    assert runner.tally.new_acts > 0
    again = runner_of(bank)
    again.consent(DIGEST, "a file of tests")
    asks(again, 8)
    repeated = again.lend(wanted)
    assert outcomes(repeated) == outcomes(found)
    assert [one.disbursed_minor for one in repeated] == [one.disbursed_minor for one in found]
    assert again.tally.new_acts == 0


def test_rows_without_a_valid_consent_are_refused(bank: Bank) -> None:
    runner = runner_of(bank)
    wanted = asks(runner, 2)
    assert outcomes(runner.lend(wanted[:1])) == ["refused"]
    runner.consent(DIGEST, "a file of tests")
    with bank.node.read() as tx:
        (consent,) = consents_of(bank.node, tx, source="file_test")
    bank.act("data.revoke_consent", "revoke", consent_id=consent.terms.consent_id)
    assert outcomes(runner.lend(wanted[1:])) == ["refused"]
    assert outcomes(runner.lend(wanted[:1])) == ["refused"]


def test_a_consent_that_ended_is_given_anew(bank: Bank, clock: FixedClock) -> None:
    runner = runner_of(bank)
    runner.consent(DIGEST, "a file of tests")
    before = runner.tally.new_acts
    runner.consent(DIGEST, "a file of tests")
    assert runner.tally.new_acts == before == 1
    clock.set_us(clock.now_us() + 366 * DAY_US)
    runner.consent(DIGEST, "a file of tests")
    assert runner.tally.new_acts == 2
    assert outcomes(runner.lend(asks(runner, 1))) == ["approved"]


def test_an_offer_that_ended_before_the_run_went_on_is_told(
    bank: Bank, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = runner_of(bank)
    runner.consent(DIGEST, "a file of tests")
    wanted = asks(runner, 2)
    with monkeypatch.context() as patched:
        patched.setattr(Runner, "_pay", lambda self, courses: None)
        assert outcomes(runner.lend(wanted)) == ["approved", "approved"]
    clock.set_us(clock.now_us() + 31 * DAY_US)
    assert outcomes(runner.lend(wanted)) == ["lending.offer_expired"] * 2


def test_a_fault_of_the_store_ends_the_run_and_loses_nothing(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = runner_of(bank)
    runner.consent(DIGEST, "a file of tests")
    wanted = asks(runner, 3)
    take = Runner._take

    def failing(self: Runner, pending: object) -> object:
        if getattr(pending, "use_case").name == "lending.accept":  # noqa: B009
            raise Fault("kernel.disk_full", "The disk is full.")
        return take(self, pending)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Runner, "_take", failing)
        with pytest.raises(Fault):
            runner.lend(wanted)
    found = runner.lend(wanted)
    assert [one.disbursed_minor for one in found] == [1_000_000] * 3
