"""Flows: the trading of many shops as dated movements, and cut by wallet for the signals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from puhui.demo.draw.trade import KINDS, KINDS_IN, Trading
from puhui.demo.nouns import Ints
from puhui.demo.rules.season import day_number
from puhui.merchant import Flows

SECOND_OF_KIND = (45_000, 54_000, 73_800, 75_600, 76_500, 77_400, 79_200)
"""When in the day each kind happens: 12:30, 15:00, 20:30, 21:00, 21:15, 21:30, 22:00."""

SPREAD_S = 600
"""Shops are spread over the ten minutes after, so that no two share a moment needlessly."""


@dataclass(frozen=True, slots=True)
class Movements:
    """All movements of a county in order of time; columns are ``(k,)`` int64.

    ``shop`` is an index, ``day`` counts from 1970, ``second`` within the day, ``kind`` is an index
    into ``KINDS``; ``amount_minor`` is positive; ``payer`` is the number of a named buyer of the
    shop, 0 for none; ``supplier`` an index where the kind is a payment to a supplier, else -1.
    """

    shop: Ints
    day: Ints
    second: Ints
    kind: Ints
    amount_minor: Ints
    payer: Ints
    tickets: Ints
    payers: Ints
    supplier: Ints


def movements_of(trading: Trading, first: date) -> Movements:
    """The movements of a trading that began on ``first``, in order of time and shop."""
    kind, shop, at = np.nonzero(trading.amounts)
    is_in = kind < KINDS_IN
    place = np.where(is_in, kind, 0)
    second = np.array(SECOND_OF_KIND)[kind] + (shop * 7919) % SPREAD_S
    order = np.lexsort((shop, second, at))
    kind, shop, at, is_in, place = kind[order], shop[order], at[order], is_in[order], place[order]
    return Movements(
        shop=shop,
        day=at + day_number(first),
        second=second[order],
        kind=kind,
        amount_minor=trading.amounts[kind, shop, at],
        payer=np.where(kind == KINDS.index("buyer"), trading.buyer[shop, at], 0),
        tickets=np.where(is_in, trading.tickets[place, shop, at], 0),
        payers=np.where(is_in, trading.payers[place, shop, at], 0),
        supplier=np.where(kind == KINDS.index("supplier"), trading.supplier[shop, at], -1),
    )


def flows_by_shop(moved: Movements, opening: Ints) -> tuple[Flows, ...]:
    """The flows of each shop; ``opening`` (n,) are the balances before the first, in fen."""
    order = np.argsort(moved.shop, kind="stable")
    ends = np.searchsorted(moved.shop[order], np.arange(len(opening) + 1))
    sign = np.where(moved.kind < KINDS_IN, 1, -1)
    made = []
    for shop, before in enumerate(opening):
        mine = order[ends[shop] : ends[shop + 1]]
        amount = moved.amount_minor[mine] * sign[mine]
        made.append(
            Flows(
                day=moved.day[mine],
                amount_minor=amount,
                payer=moved.payer[mine],
                tickets=moved.tickets[mine],
                payers=moved.payers[mine],
                balance_minor=before + np.cumsum(amount),
            )
        )
    return tuple(made)
