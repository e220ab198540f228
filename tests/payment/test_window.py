"""What windows answer with is itself to be had at the window: channels name it in their pages."""

from __future__ import annotations

import typing
from collections.abc import Callable

import pytest

from puhui.payment import statement
from puhui.payment import window as payment
from puhui.payment.window import (
    AskedPayment,
    Code,
    Payment,
    StandingOrder,
    StatementLine,
    Tier,
    Wallet,
    tiers,
)

READS: tuple[tuple[Callable[..., object], type], ...] = (
    (payment.read_wallet, Wallet),
    (payment.payment_of, Payment),
    (payment.requests_of, AskedPayment),
    (payment.orders_of, StandingOrder),
    (payment.codes_of, Code),
    (statement, StatementLine),
)


def parts_of(read: Callable[..., object]) -> set[object]:
    """What a function answers, and what that is made of."""
    answer = typing.get_type_hints(read)["return"]
    inside = {answer, *typing.get_args(answer)}
    return inside | {part for one in inside for part in typing.get_args(one)}


@pytest.mark.parametrize(("read", "noun"), READS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_read_answers_with_a_noun_of_the_window(read: Callable[..., object], noun: type) -> None:
    assert noun in parts_of(read)


def test_tiers_are_told_by_number() -> None:
    assert {number: type(tier) for number, tier in tiers().by_number.items()} == dict.fromkeys(
        (1, 2, 3, 4), Tier
    )


def test_a_shown_code_lives_a_minute_at_most() -> None:
    """What pages say of it is what the figures say (data/code.toml)."""
    assert 0 < payment.shown_seconds() <= 60
