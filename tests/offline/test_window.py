"""What the window answers with is to be had there: pages name it."""

from __future__ import annotations

from puhui.offline.window import AllowanceState, allowance_of
from tests.payment.test_window import parts_of


def test_reads_answer_with_nouns_of_the_window() -> None:
    assert AllowanceState in parts_of(allowance_of)
