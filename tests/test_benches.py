"""Benches run, and end with the figures that the claims and the documents name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import public_data

ROOT = Path(__file__).resolve().parents[1]
NAMED = {
    "books": ("closed_per_s_log", "closed_per_s_sqlite"),
    "close_day": ("loans", "seconds", "cpu_s", "peak_rss_mib"),
    "ledger": ("transfers_per_s_log", "transfers_per_cpu_s_log", "transfers_per_s_sqlite",
               "transfers_per_s_postgres", "p50_ms_window_500_log", "p99_ms_window_500_log",
               "bytes_per_id_log", "replay_per_s_log"),
    "ledger_history": ("transfers", "replay_s", "verify_s", "bytes_per_id"),
    "lending": ("applications_per_s_16_sqlite", "cpu_ms_per_application_sqlite"),
    "models": ("auc_german_points", "auc_german_champion", "h_german_points",
               "h_german_champion", "auc_german_lightgbm", "h_german_lightgbm"),
    "outage": ("payments", "acknowledged", "rto_s"),
    "pages": ("first_page_to_money_s", "pages_per_s", "max_first_load_bytes"),
    "payments": ("payments_per_s_file", "payments_per_s_csv", "code_p50_ms"),
    "schedule": ("us_per_schedule_12", "cpu_s_per_million_vectorised"),
    "score": ("rows_per_cpu_s_points", "rows_per_cpu_s_trees"),
    "score_batch": ("rows", "seconds", "cpu_s", "peak_rss_mib"),
}  # fmt: skip
"""Figures above nought in the last line of each bench, among others."""
NOUGHT = {"close_day": ("different", "ledger_findings"), "outage": ("lost", "doubled")}
"""Figures that are nought on any machine."""


def test_every_bench_is_named() -> None:
    assert set(NAMED) == {path.stem for path in (ROOT / "bench").glob("*.py")}


@pytest.mark.parametrize("name", NAMED)
def test_a_quick_run_ends_with_its_figures(name: str) -> None:
    if name == "models":
        public_data("credit")
    done = subprocess.run(
        [sys.executable, f"bench/{name}.py", "--quick", "--json"],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert [one for one in NAMED[name] if not (found.get(one) or 0) > 0] == []
    assert {one: found[one] for one in NOUGHT.get(name, ())} == dict.fromkeys(
        NOUGHT.get(name, ()), 0
    )
