"""The desk of stability: a measurement is asked for, shown by signal, and taken along."""

from __future__ import annotations

import json

from puhui.web.desks.drift import word_of
from tests.web.town import Town


def test_drift_is_measured_from_the_page(town: Town) -> None:
    for person in (town.good, town.other):
        browser = town.customer(person)
        browser.send(browser.apply().form("/apply/check"))
    town.clock.set_us(town.clock.now_us() + 86_400_000_000)
    for person in (town.spare, town.bad):
        browser = town.customer(person)
        browser.send(browser.apply().form("/apply/check"))
    analyst = town.staff("risk_analyst")
    page = analyst.open("/desk/drift")
    assert "还没有检验过" in page.text
    assert analyst.ask("/desk/drift.csv").text.count("\n") == 1
    form = page.form("/desk/drift")
    odd = analyst.send(form, since="x")
    assert odd.status == 422
    days = {"before_since": "2026-03-01", "before_until": "2026-03-02", "until": "2026-03-03"}
    mixed = analyst.send(odd.form("/desk/drift"), **days, since="2026-03-02")
    assert mixed.status == 422
    done = analyst.send(mixed.form("/desk/drift"), **days, since="2026-03-03")
    assert done.status == 200, done.text
    assert "<svg" in done.text
    assert "评分" in done.text
    rows = json.loads(analyst.ask("/desk/drift.json").text)["rows"]
    assert len(rows) > 4
    assert all(row["psi"] >= 0 for row in rows)
    other = analyst.send(mixed.form("/desk/drift"), **days, model="0" * 64, key="q" * 16)
    assert other.status == 404
    assert "开始检验" not in town.staff("auditor").open("/desk/drift").text


def test_a_psi_is_read_as_the_trade_reads_it() -> None:
    assert [word_of(x) for x in (0.0, 0.0999, 0.1, 0.25)] == ["stable", "stable", "watch", "moved"]
