"""Stored audits of a model in force: figures of groups, looks on record, nothing of a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from puhui.data.window import accesses_of
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.dump import digest_store
from puhui.kernel.replay import replay
from puhui.kernel.store.journal import read_journal
from puhui.score.desk.audit import month_chunks
from puhui.score.nouns.stored_audit import AuditModel, MeasuredModel
from puhui.score.rules.audit import age_on
from puhui.score.window import GroupFigures, StoredAudit, audits_of
from puhui.worker import deliver
from tests.lending.bank import BAD_ROW, FIELDS, GOOD_ROW, PRODUCT, Bank, resident_id
from tests.lending.test_desk_erasure import empty_like
from tests.lending.test_desk_guard import DAY_US, code_of


def audit(bank: Bank, key: str, **more: Any) -> Any:
    asked = {"model_digest": bank.model_digest, "since": "2026-03-01", "until": "2026-03-31"}
    return bank.act("score.audit_model", key, **(asked | more))


def stored(bank: Bank) -> tuple[StoredAudit, ...]:
    with bank.node.read() as tx:
        return audits_of(tx, bank.model_digest)


def figures(found: StoredAudit, group: str) -> GroupFigures:
    return next(one for one in found.groups if one.group == group)


def crowd(bank: Bank, count: int) -> list[str]:
    """Decided persons; every second one, a woman by her number, has worse flows."""
    node, actor = bank.node, bank.operator
    until = (bank.today() + timedelta(days=300)).isoformat()

    def send(name: str, asked: list[dict[str, Any]]) -> list[Any]:
        sent = [
            node.submit(name, one, key=f"{name}-{place}", actor=actor)
            for place, one in enumerate(asked)
        ]
        return [one.result() for one in sent]

    numbers = range(2000, 2000 + count)
    people = [
        {"name": "测试", "id_number": resident_id(one), "phone": f"139{one:08d}"} for one in numbers
    ]
    ids = [one.party_id for one in send("party.register_person", people)]
    seen = {"method": "synthetic", "is_passed": True, "evidence_digest": "0" * 64}
    send("party.verify_identity", [{"party_id": one, **seen} for one in ids])
    grant = {"purpose": "credit_decision", "fields": FIELDS, "until": until}
    send("data.grant_consent", [{"party_id": one, **grant} for one in ids])
    asked = {"product": PRODUCT, "wanted_minor": 1_000_000, "mapping": bank.mapping_digest,
             "fields": FIELDS, "channel": "test"}  # fmt: skip
    applied = send(
        "lending.apply",
        [
            {
                "party_id": one,
                "source_id": one,
                "row": GOOD_ROW if number % 2 else BAD_ROW,
                **asked,
            }
            for number, one in zip(numbers, ids, strict=True)
        ],
    )
    send("lending.decide", [{"application_id": one.application_id} for one in applied])
    return ids


def test_small_groups_are_counted_and_never_judged(bank: Bank) -> None:
    ids = crowd(bank, 6)
    made = audit(bank, "1")
    assert (made.rows, made.findings) == (6, 0)
    (found,) = stored(bank)
    women = figures(found, "female")
    assert (women.rows, women.approved, women.reference_approved) == (3, 0, 3)
    assert (women.is_guarded, women.approval, women.p_value) == (True, None, None)
    assert women.cut_offs == ()
    assert dict(found.unknown) == {"sex": 0.0, "age": 0.0, "region": 1.0, "sex x region": 1.0}
    assert (found.audited_by, found.since, found.until) == (
        "tester", date(2026, 3, 1), date(2026, 3, 31),
    )  # fmt: skip
    with bank.node.read() as tx:
        looks = [one for one in accesses_of(tx, ids[0]) if one.purpose == "fairness_audit"]
    assert [sorted(one.fields) for one in looks] == [["birth_date", "region", "sex"]]
    assert audit(bank, "1") == made, "the same request again is answered, not done again"
    audit(bank, "2")
    assert len(stored(bank)) == 2


def test_a_gap_is_found_and_the_journal_names_nobody(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    crowd(bank, 220)
    assert audit(bank, "1").findings >= 1
    (found,) = stored(bank)
    women = figures(found, "female")
    assert (women.is_found, women.adverse_impact_ratio) == (True, 0.0)
    assert (women.rows, women.reference_rows) == (110, 110)
    assert women.p_family is not None
    assert women.p_family < 1e-6
    half = next(at for at in women.cut_offs if at.share == 0.5)
    assert (half.ratio, half.gap) == (0.0, -1.0), "at half of all approvals every man, no woman"
    assert [at.share for at in women.cut_offs] == [step / 20 for step in range(1, 20)]
    bank.node.store.settle_positions()
    kept = [row for row in read_journal(bank.node.store) if row.name == "score.audit_model"]
    assert set(json.loads(kept[0].input)) == {
        "model_digest", "since", "until", "rows", "approved", "tests", "groups", "unknown",
        "party_ids",
    }  # fmt: skip


def test_what_an_audit_refuses(sqlite_bank: Bank) -> None:
    bank = sqlite_bank
    assert code_of(audit, bank, "1") == "score.nothing_decided"
    assert code_of(audit, bank, "2", model_digest="0" * 64) == "score.never_in_force"
    assert code_of(audit, bank, "3", since="2026-04-01") == "score.bad_period"
    assert code_of(audit, bank, "4", since="2006-03-01") == "score.bad_period"
    clerk = replace(bank, operator=bank.by("clerk", "customer").operator)
    assert code_of(audit, clerk, "5") == "kernel.role_missing"
    day = date(2026, 3, 1)
    made_up = MeasuredModel(bank.model_digest, day, day, 1, 1, 0, (), (), ())
    with pytest.raises(Exception, match="model and days"):
        bank.node.act("score.audit_model", made_up, key="6", actor=bank.operator)


def test_every_month_each_model_that_decided_is_audited(
    sqlite_bank: Bank, clock: FixedClock
) -> None:
    bank = sqlite_bank
    assert month_chunks(bank.node, date(2026, 3, 31)) == []
    crowd(bank, 2)
    assert month_chunks(bank.node, date(2026, 3, 30)) == []
    asked = AuditModel(bank.model_digest, date(2026, 3, 1), date(2026, 3, 31))
    assert month_chunks(bank.node, date(2026, 3, 31)) == [asked]
    assert month_chunks(bank.node, date(2026, 4, 30)) == []
    clock.set_us(clock.now_us() + 40 * DAY_US)
    bank.node.act("score.audit_model", asked, key="month", actor=bank.operator)
    assert len(stored(bank)) == 1


@pytest.mark.parametrize(
    ("on", "age"), [(date(2026, 2, 28), 29), (date(2026, 3, 1), 30), (date(1996, 2, 29), 0)]
)
def test_ages_of_a_leap_day(on: date, age: int) -> None:
    assert age_on(date(1996, 2, 29), on) == age


def test_an_audit_is_replayed_after_its_people_are_gone(
    sqlite_bank: Bank, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    """Figures are recorded, so no replay needs what was erased since."""
    bank = sqlite_bank
    ids = crowd(bank, 4)
    audit(bank, "1")
    bank.act("party.erase_person", "erase", party_id=ids[0])
    audit(bank, "2")
    deliver(bank.node)
    bank.node.store.settle_positions()
    before, after = (dict(one.unknown)["sex"] for one in reversed(stored(bank)))
    assert (before, after) == (0.0, 0.25)
    other = empty_like(bank.node, tmp_path, open_at)
    assert replay(bank.node, other).differences == ()
    assert digest_store(bank.node.store) == digest_store(other.store)
