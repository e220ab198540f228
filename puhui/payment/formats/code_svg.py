"""Pictures of codes, as SVG that stands in a page: the square of a payload, the bars of digits."""

from __future__ import annotations

import segno

from puhui.payment.rules.code import bars_of

QUIET_MODULES = 10


def qr_svg(payload: str, *, title: str = "") -> str:
    """The square code of a payload, correcting a quarter of errors at most (level Q), UTF-8."""
    made = segno.make_qr(payload, error="q", boost_error=False, encoding="utf-8")
    drawn: str = made.svg_inline(scale=4, border=4, title=title or None, omitsize=True)
    return drawn


def bars_svg(digits: str, *, height: int = 60) -> str:
    """The bars of an even number of digits (Code 128 C) with quiet zones; units are modules."""
    at = QUIET_MODULES
    bars = []
    for place, width in enumerate(bars_of(digits)):
        if place % 2 == 0:
            bars.append(f"M{at} 0h{width}v{height}h-{width}z")
        at += width
    whole = at + QUIET_MODULES
    return (
        f'<svg viewBox="0 0 {whole} {height}" role="img" aria-label="{digits}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{whole}v{height}H0z"/>'
        f'<path d="{"".join(bars)}"/></svg>'
    )
