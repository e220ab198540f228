"""What the window answers with is to be had there: pages name it."""

from __future__ import annotations

from puhui.exchange.desk.read import price
from puhui.exchange.window import Participant, Price, Remittance, participants, remittances
from tests.payment.test_window import parts_of


def test_reads_answer_with_nouns_of_the_window() -> None:
    assert Price in parts_of(price)
    assert Remittance in parts_of(remittances)
    assert Participant in parts_of(participants)
