"""Charts as SVG with real text, drawn on this machine; the library is imported when first used."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

INK = "#1f2a26"
MUTED = "#5b6660"
GRID = "#e2ded4"
TRACK = "#ece8de"
GOOD = "#0b6e4f"
BAD = "#b3261e"
PLAIN = "#7d8780"
COLOURS = {"good": GOOD, "bad": BAD, "plain": PLAIN}
"""Each is renamed by the stylesheet in the dark."""

WIDTH = 330
FONT = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
ROW = 40
AXIS_FONT, TEXT_FONT = 12.5, 13.0
WHOLE_TICKS = 12
"""An axis of whole numbers with no more steps has a tick at each."""
DRAWN_MAX = 256
"""So many drawings are remembered; the oldest is forgotten first."""
WIDE = 0.58
"""Width of a letter or digit over its height, as wide as fonts of the list draw it; of a Chinese
sign it is 1."""

SPOKEN = re.compile(r' (?:aria-[a-z]+|role|class|pointer-events)="[^"]*"')
HIDDEN = re.compile(r'<path d="" display="none"/>')
CLIP = re.compile(r"\bclip\d+\b")
SIZE = re.compile(r'^(<svg[^>]*?) width="[0-9.]+" height="[0-9.]+"')

Spec = dict[str, Any]
_drawn: dict[str, str] = {}


def svg_of(spec: Spec, kept: Path | None = None) -> str:
    """The SVG of a Vega-Lite chart; one with the same data is drawn once.

    ``kept`` is a folder where drawings stay between runs, by the digest of their data.
    """
    text = json.dumps(spec, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest in _drawn:
        return _drawn[digest]
    path = kept / f"{digest[:32]}.svg" if kept is not None else None
    if path is not None and path.is_file():
        svg = path.read_text(encoding="utf-8")
    else:
        svg = _own_ids(_draw(spec), digest)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(svg, encoding="utf-8")
    if len(_drawn) >= DRAWN_MAX:
        del _drawn[next(iter(_drawn))]
    _drawn[digest] = svg
    return svg


def _draw(spec: Spec) -> str:
    import vl_convert

    svg = HIDDEN.sub("", SPOKEN.sub("", vl_convert.vegalite_to_svg(spec)))
    svg = SIZE.sub(r'\1 class="chart" aria-hidden="true" focusable="false"', svg)
    assert 'class="chart"' in svg, svg[:200]
    return svg


def _own_ids(svg: str, digest: str) -> str:
    """Clip paths named by the drawing, so that several drawings fit one page."""
    names = dict.fromkeys(CLIP.findall(svg))
    owned = {name: f"c{digest[:8]}-{place}" for place, name in enumerate(names)}
    return CLIP.sub(lambda match: owned[match.group()], svg)


def _chart(layers: list[Spec], height: float, letters: float = 1.0) -> Spec:
    config = {
        "font": FONT,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": {
            "labelColor": MUTED,
            "titleColor": MUTED,
            "labelFontSize": AXIS_FONT * letters,
            "titleFontSize": AXIS_FONT * letters,
            "titleFontWeight": "normal",
            "gridColor": GRID,
            "domainColor": GRID,
            "tickColor": GRID,
            "titlePadding": 8,
        },
        "text": {"color": INK, "fontSize": TEXT_FONT * letters},
    }
    autosize = {"type": "fit", "contains": "padding"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.1.0.json",
        "width": WIDTH,
        "height": height,
        "autosize": autosize,
        "padding": 4,
        "layer": layers,
        "config": config,
    }


def _data(values: Sequence[Spec]) -> Spec:
    return {"values": list(values)}


def bar_list(bars: Sequence[tuple[str, float, str, str]], whole: float | None = None) -> Spec:
    """Bars under one another: (label, value, shown value, colour name); the track is ``whole``.

    The label stands above its bar and the value at the right, so that long labels have room.
    """
    most = whole or max((value for _, value, _, _ in bars), default=0.0) or 1.0
    values = [
        {"n": n, "label": label, "value": max(value, 0.0), "shown": shown, "whole": most}
        for n, (label, value, shown, _) in enumerate(bars)
    ]
    y = {"field": "n", "type": "ordinal", "axis": None}
    x = {"type": "quantitative", "axis": None, "scale": {"domain": [0, most], "nice": False}}
    names = [COLOURS[name] for *_, name in bars]
    colour = {
        "field": "n",
        "type": "ordinal",
        "legend": None,
        "scale": {"domain": list(range(len(bars))), "range": names},
    }
    text = {"type": "text", "baseline": "bottom", "dy": -1}
    bar = {"type": "bar", "height": 9, "yOffset": 9, "cornerRadius": 4}
    layers = [
        _layer(values, {**bar, "color": TRACK}, y=y, x={**x, "field": "whole"}),
        _layer(values, bar, y=y, x={**x, "field": "value"}, color=colour),
        _layer(values, {**text, "align": "left", "x": 0}, y=y, text={"field": "label"}),
        _layer(values, {**text, "align": "right", "x": "width", "fontWeight": "bold"},
               y=y, text={"field": "shown"}),
    ]  # fmt: skip
    return _chart(layers, ROW * max(1, len(bars)) + 8)


def _layer(values: Sequence[Spec], mark: Spec, **encoding: Spec) -> Spec:
    return {"data": _data(values), "mark": mark, "encoding": encoding}


def _folded(title: str, room: float) -> str | list[str]:
    """A title in as many lines as it needs to fit ``room``, in units of its letters' height."""
    parts = title.split(" ") if " " in title else list(title)
    glue = " " if " " in title else ""
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]}{glue}{part}" if lines else part
        if lines and _width(joined) <= room:
            lines[-1] = joined
        else:
            lines.append(part)
    return lines if len(lines) > 1 else title


def _width(text: str) -> float:
    return sum(WIDE if sign < "\u2e80" else 1.0 for sign in text)


def _axis(title: Any, form: str, domain: Sequence[float] | None = None, **more: Any) -> Spec:
    scale: Spec = {"zero": False, **({"domain": list(domain), "nice": False} if domain else {})}
    axis: Spec = {"title": title, "format": form, "tickCount": 5, **more}
    if form == "d" and domain is not None and 0 < domain[1] - domain[0] <= WHOLE_TICKS:
        axis["values"] = list(range(int(domain[0]), int(domain[1]) + 1))
    elif domain is not None and tuple(domain) == (0.0, 1.0):
        axis["values"] = [0, 0.25, 0.5, 0.75, 1]
    return {"type": "quantitative", "axis": axis, "scale": scale}


def line_chart(
    lines: Sequence[tuple[str, str, Sequence[tuple[float, float]]]],
    *,
    x: tuple[str, str],
    y: tuple[str, str],
    labels: Sequence[tuple[float, float, str, str, str]] = (),
    x_domain: Sequence[float] | None = None,
    y_domain: Sequence[float] | None = None,
    dashed: Sequence[Sequence[tuple[float, float]]] = (),
    points: Sequence[tuple[float, float, str]] = (),
    fill: bool = False,
    is_log: bool = False,
    height: int = 230,
    letters: float = 1.0,
) -> Spec:
    """Lines with direct labels in place of a legend.

    ``lines`` are (name, colour name, points); ``x`` and ``y`` are (title with unit, number
    format); ``labels`` are (x, y, text, colour name, "left" | "right" | "center"); ``dashed`` are
    reference lines; ``points`` are marked spots (x, y, colour name). A label may also stand
    "below" its spot. ``letters`` times the usual size for whoever reads large text: the drawing
    grows higher with them and has fewer ticks.
    """
    high = height * (1 + letters) / 2
    ticks = {"tickCount": 5 if letters == 1 else 3}
    x_axis = _axis(_title(x[0], WIDTH * 0.8, letters), x[1], x_domain, grid=False, **ticks)
    y_axis = _axis(_title(y[0], high * 0.7, letters), y[1], y_domain, **ticks)
    if is_log:
        x_axis["scale"] = {"type": "log", "nice": False}
        x_axis["axis"]["values"] = [at for at, _ in lines[0][2]]
    fields = {"x": {**x_axis, "field": "x"}, "y": {**y_axis, "field": "y"}}
    layers = []
    for line in dashed:
        mark = {"type": "line", "color": PLAIN, "strokeDash": [4, 4], "strokeWidth": 1.2}
        layers.append(_layer(_points(line), mark, **fields))
    for _, name, line in lines:
        mark = {"type": "line", "color": COLOURS[name], "strokeWidth": 2.2}
        if fill:
            mark = {
                "type": "area", "color": COLOURS[name], "fillOpacity": 0.16,
                "line": {"color": COLOURS[name], "strokeWidth": 2}, "interpolate": "step-after",
            }  # fmt: skip
        layers.append(_layer(_points(line), mark, **fields))
    for at, to, name in points:
        mark = {"type": "point", "color": COLOURS[name], "filled": True, "size": 60, "opacity": 1}
        layers.append(_layer(_points([(at, to)]), mark, **fields))
    for at, to, shown, name, align in labels:
        shift = {"left": 7, "right": -7}.get(align, 0)
        mark = {
            "type": "text", "align": align if shift else "center", "dx": shift,
            "color": COLOURS.get(name, INK), "dy": (14 if align == "below" else -9) * letters,
            "fontWeight": "bold",
        }  # fmt: skip
        value = [{"x": at, "y": to, "shown": shown}]
        layers.append(_layer(value, mark, **fields, text={"field": "shown"}))
    return _chart(layers, high, letters)


def _title(text: str, room: float, letters: float) -> str | list[str]:
    return _folded(text, room / (AXIS_FONT * letters))


def _points(line: Sequence[tuple[float, float]]) -> list[Spec]:
    return [{"x": round(at, 6), "y": round(to, 6)} for at, to in line]


def range_list(
    ranges: Sequence[tuple[str, float, float, str]],
    *,
    centre: float,
    marks: Sequence[tuple[float, str]],
    title: str,
) -> Spec:
    """Ranges one under another: (label, low, high, shown); ``marks`` are upright (x, text)."""
    values = [
        {"n": n, "label": label, "low": low, "high": high, "shown": shown, "centre": centre}
        for n, (label, low, high, shown) in enumerate(ranges)
    ]
    ends = [low for _, low, _, _ in ranges] + [high for _, _, high, _ in ranges]
    ends += [at for at, _ in marks] + [0.0]
    domain = [0.0, max(ends) * 1.45]
    y = {"field": "n", "type": "ordinal", "axis": None}
    x = _axis(title, ".1f", domain)
    text = {"type": "text", "baseline": "bottom", "dy": -1}
    bar = {"type": "bar", "height": 9, "yOffset": 9, "color": GOOD, "cornerRadius": 4}
    layers = [
        _layer(values, bar, y=y, x={**x, "field": "low"}, x2={"field": "high"}),
        _layer(values, {**text, "align": "left", "x": 0}, y=y, text={"field": "label"}),
        _layer(values, {**text, "align": "right", "x": "width", "fontWeight": "bold"},
               y=y, text={"field": "shown"}),
    ]  # fmt: skip
    for at, shown in marks:
        spot = [{"at": at, "shown": shown}]
        rule = {"type": "rule", "color": BAD, "strokeDash": [4, 3]}
        layers.append(_layer(spot, rule, x={**x, "field": "at"}))
        note = {"type": "text", "color": BAD, "align": "center", "y": -6, "baseline": "bottom"}
        layers.append(_layer(spot, note, x={**x, "field": "at"}, text={"field": "shown"}))
    return _chart(layers, ROW * len(ranges) + 70)
