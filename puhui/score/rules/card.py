"""Adding up a points card for one row, and naming what cost the most points."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from puhui.score.nouns import (
    CardLine,
    Model,
    Reason,
    Scale,
    Signal,
    SignalPoints,
    pd_of,
)


def points_at(signal: Signal, points: SignalPoints, value: float) -> int:
    """The points of one float64 signal value: its bin, or the missing, special or unseen bin."""
    if value != value:
        return points.missing_points
    if signal.kind == "category":
        code = int(value)
        if not 0 <= code < len(points.groups):
            return points.unseen_points
        return points.bin_points[points.groups[code]]
    if value in signal.special:
        return points.special_points[signal.special.index(value)]
    return points.bin_points[bisect_left(points.edges, value)]


Adder = tuple[tuple[float, ...] | None, tuple[int, ...], int, int, dict[float, int]]
"""One signal made ready to add: edges (None for a category), points per bin or per code, the
points of missing and unseen values, and those of special values."""


def adders_of(model: Model) -> tuple[Adder, ...]:
    """A card made ready to add up row after row, one entry per signal."""
    assert model.card is not None, model.kind
    made: list[Adder] = []
    for signal, found in zip(model.signals, model.card.signals, strict=True):
        is_category = signal.kind == "category"
        points = tuple(found.bin_points[group] for group in found.groups)
        made.append(
            (
                None if is_category else found.edges,
                points if is_category else found.bin_points,
                found.missing_points,
                found.unseen_points,
                dict(zip(signal.special, found.special_points, strict=True)),
            )
        )
    return tuple(made)


def card_total(model: Model, adders: Sequence[Adder], values: Sequence[float]) -> int:
    """The unclipped total of a card for one row of signal values, in the model's order.

    It is the start plus ``points_at`` of every signal.
    """
    assert model.card is not None, model.kind
    total = model.card.start_points
    for value, (edges, points, missing, unseen, special) in zip(values, adders, strict=True):
        if value != value:
            total += missing
        elif edges is None:
            total += points[int(value)] if 0.0 <= value < len(points) else unseen
        elif special and value in special:
            total += special[value]
        else:
            total += points[bisect_left(edges, value)]
    return total


def pd_of_total(total: int, scale: Scale) -> float:
    """The probability of default that a card's total stands for."""
    return pd_of((scale.offset() - total) / scale.factor())


def card_losses(model: Model, values: Sequence[float]) -> list[float]:
    """Points lost per signal against the best bin of that signal, never below nought."""
    assert model.card is not None, model.kind
    return [
        float(points.best() - points_at(signal, points, value))
        for signal, points, value in zip(model.signals, model.card.signals, values, strict=True)
    ]


def reasons_of(model: Model, losses: Sequence[float], count: int) -> tuple[Reason, ...]:
    """At most ``count`` reasons by points lost, dearest first, ties in the model's order.

    Losses are rounded half up to whole points; a signal that cost less than one is no reason.
    """
    whole = [int(loss + 0.5) if loss > 0 else 0 for loss in losses]
    order = sorted(range(len(whole)), key=lambda place: (-whole[place], place))
    return tuple(
        reason_of(model.signals[place], whole[place]) for place in order[:count] if whole[place]
    )


def reason_of(signal: Signal, points: int) -> Reason:
    """The reason a signal gives when it cost ``points``."""
    return Reason(
        code=f"score.{signal.name}",
        points=points,
        title_zh=signal.title_zh,
        title_en=signal.title_en,
        advice_zh=signal.advice_zh,
        advice_en=signal.advice_en,
    )


def printed_card(model: Model) -> tuple[CardLine, ...]:
    """A card as lines to print: adding one line per signal gives the score before its bounds.

    Bounds are written with as many digits as they need, so the paper decides as the computer
    does.
    """
    assert model.card is not None, model.kind
    lines = [CardLine("", "起点", "start", "", model.card.start_points, 0, 0)]
    for signal, points, texts in zip(
        model.signals, model.card.signals, model.categories, strict=True
    ):
        values = _bin_values(signal, points, texts)
        counts = zip(points.bin_points, points.bin_rows, points.bin_bads, strict=True)
        found = [(value, *count) for value, count in zip(values, counts, strict=True)]
        aside = zip(points.special_points, points.special_rows, points.special_bads, strict=True)
        found += [
            (f"= {value!r}", *count) for value, count in zip(signal.special, aside, strict=True)
        ]
        found.append(("missing", points.missing_points, points.missing_rows, points.missing_bads))
        if signal.kind == "category":
            found.append(("never seen", points.unseen_points, 0, 0))
        lines += [CardLine(signal.name, signal.title_zh, signal.title_en, *one) for one in found]
    return tuple(lines)


def _bin_values(signal: Signal, points: SignalPoints, texts: Sequence[str]) -> list[str]:
    """What a value must be for each bin in turn."""
    if signal.kind == "category":
        return [
            ", ".join(t for t, group in zip(texts, points.groups, strict=True) if group == place)
            for place in range(len(points.bin_points))
        ]
    bounds = [repr(edge) for edge in points.edges]
    if not bounds:
        return ["any"]
    between = [f"> {low}, <= {high}" for low, high in pairwise(bounds)]
    return [f"<= {bounds[0]}", *between, f"> {bounds[-1]}"]
