"""Boosted trees as one flat array: read from LightGBM's text or XGBoost's JSON, walked compiled.

The kernel takes LightGBM's decisions in LightGBM's order of addition, so its sums are equal to
the library's to the last bit; XGBoost adds in single precision, so there they are equal to that
precision. Tests hold both. Serving needs neither library nor a lock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from puhui.kernel.compiled import njit
from puhui.kernel.errors import Refused
from puhui.score.arrays.pair import Pair, read_pairs, with_pairs, with_pairs_plain

Floats = NDArray[np.float64]
Nodes = NDArray[np.void]
Places = NDArray[np.int64]

CATEGORY, DEFAULT_LEFT = 1, 2
MISSING_ZERO, MISSING_NAN = 1, 2

NODE = np.dtype(
    [
        ("threshold", np.float64),
        ("yes", np.int32),
        ("no", np.int32),
        ("missing", np.int32),
        ("signal", np.int32),
    ]
)
"""A node asks whether its signal is at most ``threshold``; then ``yes``, ``no`` or ``missing``
is the next node. A leaf points to itself and keeps its value in ``threshold``. A category node
has ``signal`` -1 - s and, in ``threshold``, the place in ``bits`` of its count of 32-bit words,
which follow: a set bit says yes; what is no code goes to ``missing``."""

NODE_COLUMNS = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
"""The lines of LightGBM's text that describe the inner nodes of a tree."""


@dataclass(frozen=True, slots=True)
class FlatForest:
    """All trees: ``nodes`` of dtype ``NODE``, and per tree its root and its depth (trees, 2).

    ``cover`` (nodes,) counts the training rows that came by, 0 where the text does not say.
    Nodes may ask for the columns of ``pairs``, which stand after those of the signals.
    """

    nodes: Nodes
    trees: Places
    bits: Places
    cover: Floats
    has_categories: bool
    pairs: tuple[Pair, ...] = ()

    def codes_at(self, first: int) -> frozenset[int]:
        """The category codes whose bits are set in the words at place ``first``."""
        words = self.bits[first + 1 : first + 1 + int(self.bits[first])].tolist()
        return frozenset(
            32 * place + bit for place, word in enumerate(words) for bit in range(32)
            if word >> bit & 1
        )  # fmt: skip


def has_counts(forest: FlatForest) -> bool:
    """Whether every node says how many training rows came by."""
    return bool((forest.cover > 0).all())


def flatten_forest(text: str, signals: int) -> FlatForest:
    """Read the trees of LightGBM's model text over ``signals`` columns, or of XGBoost's JSON.

    Refused: ``score.model_damaged`` where the text is not such a model or asks for more.
    """
    if text.startswith("{"):
        return _flatten_json(text, signals)
    nodes: list[tuple[float, int, int, int, int]] = []
    trees: list[tuple[int, int]] = []
    bits: list[int] = []
    cover: list[float] = []
    try:
        for block in text.split("\nTree=")[1:]:
            lines = block.split("\n\n")[0].split("\n")[1:]
            tree = dict(line.split("=", 1) for line in lines if "=" in line)
            trees.append((len(nodes), _read_tree(tree, nodes, bits)))
            counts = [*tree.get("internal_count", "").split(), *tree.get("leaf_count", "").split()]
            counts += ["0"] * (len(nodes) - trees[-1][0] - len(counts))
            cover.extend(float(count) for count in counts)
    except (KeyError, ValueError, IndexError, RecursionError):
        raise Refused("score.model_damaged", "The trees of the model cannot be read.") from None
    return _checked(nodes, trees, bits, cover, signals)


def _checked(
    nodes: list[tuple[float, int, int, int, int]],
    trees: list[tuple[int, int]],
    bits: list[int],
    cover: list[float],
    signals: int,
    pairs: tuple[Pair, ...] = (),
) -> FlatForest:
    asked = [-1 - node[4] if node[4] < 0 else node[4] for node in nodes]
    if not trees or max(asked) >= signals + len(pairs):
        raise Refused("score.model_damaged", "The trees ask for signals the model has not.")
    return FlatForest(
        nodes=np.array(nodes, dtype=NODE),
        trees=np.array(trees, dtype=np.int64),
        bits=np.array(bits or [0], dtype=np.int64),
        cover=np.array(cover, dtype=np.float64),
        has_categories=any(node[4] < 0 for node in nodes),
        pairs=pairs,
    )


def _read_tree(
    tree: dict[str, str], nodes: list[tuple[float, int, int, int, int]], bits: list[int]
) -> int:
    """Append one tree's nodes, then its leaves; its depth."""
    leaves = [float(value) for value in tree["leaf_value"].split()]
    first, inner = len(nodes), int(tree["num_leaves"]) - 1
    if inner:
        bounds = [int(value) for value in tree.get("cat_boundaries", "").split()]
        words = [int(value) for value in tree.get("cat_threshold", "").split()]
        columns = [tree[name].split() for name in NODE_COLUMNS]
        for signal, threshold, kind, left, right in zip(*columns, strict=True):
            yes, no = (
                first + child if child >= 0 else first + inner - child - 1
                for child in (int(left), int(right))
            )
            if int(kind) & CATEGORY:
                low, high = bounds[int(threshold)], bounds[int(threshold) + 1]
                nodes.append((float(len(bits)), yes, no, no, -1 - int(signal)))
                bits.extend([high - low, *words[low:high]])
            else:
                side = _missing_goes_yes(int(kind), float(threshold))
                nodes.append((float(threshold), yes, no, yes if side else no, int(signal)))
    assert len(nodes) == first + inner, len(nodes)
    nodes.extend((leaf, place, place, place, 0) for place, leaf in enumerate(leaves, len(nodes)))
    if len(leaves) != inner + 1:
        raise ValueError(len(leaves))
    return _depth(nodes, first)


def _flatten_json(text: str, signals: int) -> FlatForest:
    """The trees of XGBoost. The log-odds they start from are a tree of one leaf, the first."""
    nodes: list[tuple[float, int, int, int, int]] = []
    trees: list[tuple[int, int]] = []
    bits: list[int] = []
    cover: list[float] = []
    try:
        document = json.loads(text)
        start = float(document["start"])
        nodes.append((start, 0, 0, 0, 0))
        trees.append((0, 0))
        cover.append(1.0)
        pairs = read_pairs(document.get("pairs", ()), signals)
        for tree in document["trees"]:
            first = len(nodes)
            _read_json_tree(tree, nodes, bits)
            trees.append((first, _depth(nodes, first)))
            cover.extend(float(one) for one in tree["sum_hessian"])
    except (KeyError, TypeError, ValueError, IndexError, RecursionError):
        raise Refused("score.model_damaged", "The trees of the model cannot be read.") from None
    return _checked(nodes, trees, bits, cover, signals, pairs)


def _read_json_tree(
    tree: dict[str, Any], nodes: list[tuple[float, int, int, int, int]], bits: list[int]
) -> None:
    """Append one tree of XGBoost: below its bound a number goes left, a listed category right."""
    first = len(nodes)
    listed = dict(
        zip(
            tree["categories_nodes"],
            zip(tree["categories_segments"], tree["categories_sizes"], strict=True),
            strict=True,
        )
    )
    rows = zip(
        tree["left_children"], tree["right_children"], tree["split_indices"],
        tree["split_conditions"], tree["default_left"], tree["split_type"], strict=True,
    )  # fmt: skip
    for place, (left, right, signal, bound, goes_left, kind) in enumerate(rows):
        if left < 0:
            nodes.append((float(bound), first + place, first + place, first + place, 0))
            continue
        yes, no = (first + right, first + left) if kind else (first + left, first + right)
        missing = first + (left if goes_left else right)
        if not kind:
            nodes.append((_last_below(float(bound)), yes, no, missing, int(signal)))
            continue
        begin, count = listed[place]
        codes = [int(code) for code in tree["categories"][begin : begin + count]]
        words = [0] * (max(codes, default=0) // 32 + 1)
        for code in codes:
            words[code // 32] |= 1 << code % 32
        nodes.append((float(len(bits)), yes, no, missing, -1 - int(signal)))
        bits.extend([len(words), *words])


def _last_below(bound: float) -> float:
    """The largest number that, rounded to single precision, is below ``bound``.

    XGBoost rounds a value before it asks; where a value lies halfway, it goes to the even one.
    """
    above = np.float32(bound)
    below = np.nextafter(above, np.float32(-np.inf))
    middle = (float(above) + float(below)) / 2.0
    is_even = int(below.view(np.uint32)) % 2 == 0
    return middle if is_even else float(np.nextafter(middle, -np.inf))


def _missing_goes_yes(kind: int, threshold: float) -> bool:
    """Where LightGBM sends a missing value: its default side, or with the noughts."""
    missing = kind >> 2 & 3
    if missing == MISSING_ZERO:
        raise ValueError(kind)
    return bool(kind & DEFAULT_LEFT) if missing == MISSING_NAN else threshold >= 0.0


def _depth(nodes: list[tuple[float, int, int, int, int]], root: int) -> int:
    """Questions on the longest way down; children always lie behind their parent's row."""
    deepest, level = 0, [(root, 0)]
    while level:
        place, depth = level.pop()
        deepest = max(deepest, depth)
        if depth > len(nodes):
            raise ValueError(depth)
        level += [(child, depth + 1) for child in nodes[place][1:3] if child != place]
    return deepest


@njit
def _next(nodes: Nodes, bits: Places, place: int, value: float) -> int:
    """The node after ``place`` for a signal's value."""
    node = nodes[place]
    after: int = node.no
    if node.signal >= 0:
        if value != value:
            after = node.missing
        elif value <= node.threshold:
            after = node.yes
        return after
    first = np.int64(node.threshold)
    if not value >= 0.0:
        after = node.missing
    elif value < bits[first] * 32:
        code = np.int64(value)
        if (bits[first + 1 + (code >> 5)] >> (code & 31)) & 1:
            after = node.yes
    return after


@njit
def _walk_rows(
    matrix: Floats, found: Floats, nodes: Nodes, trees: Places, bits: Places, categories: bool
) -> None:
    """Add the leaves that each row of ``matrix`` (n, k) reaches to ``found`` (n,).

    Blocks of rows go down one tree together, level by level: their steps do not wait for one
    another, and the tree stays in the cache.
    """
    places = np.empty(64, dtype=np.int32)
    rows = matrix.shape[0]
    for block in range(0, rows, 64):
        count = min(64, rows - block)
        for t in range(trees.shape[0]):
            places[:count] = trees[t, 0]
            for _ in range(trees[t, 1]):
                for i in range(count):
                    node = nodes[places[i]]
                    if categories:
                        signal = node.signal if node.signal >= 0 else -1 - node.signal
                        value = matrix[block + i, signal]
                        places[i] = _next(nodes, bits, places[i], value)
                    else:
                        value = matrix[block + i, node.signal]
                        after = node.yes if value <= node.threshold else node.no
                        places[i] = node.missing if value != value else after
            for i in range(count):
                found[block + i] += nodes[places[i]].threshold


@njit
def _walk_row(row: Floats, nodes: Nodes, trees: Places, bits: Places, categories: bool) -> float:
    """The sum of the leaves that one row (k,) reaches, eight trees side by side."""
    total = 0.0
    places = np.empty(8, dtype=np.int32)
    count = trees.shape[0]
    for block in range(0, count, 8):
        width = min(8, count - block)
        depth = 0
        for j in range(width):
            places[j] = trees[block + j, 0]
            depth = max(depth, trees[block + j, 1])
        for _ in range(depth):
            for j in range(width):
                node = nodes[places[j]]
                if categories:
                    signal = node.signal if node.signal >= 0 else -1 - node.signal
                    places[j] = _next(nodes, bits, places[j], row[signal])
                else:
                    value = row[node.signal]
                    after = node.yes if value <= node.threshold else node.no
                    places[j] = node.missing if value != value else after
        for j in range(width):
            total += nodes[places[j]].threshold
    return total


def forest_sums(forest: FlatForest, matrix: Floats) -> Floats:
    """Raw log-odds of default (n,) float64 of signal values (n, k) float64, kept row by row."""
    found = np.zeros(len(matrix), dtype=np.float64)
    matrix = with_pairs(forest.pairs, matrix)
    _walk_rows(matrix, found, forest.nodes, forest.trees, forest.bits, forest.has_categories)
    return found


def forest_sum(forest: FlatForest, row: Floats) -> float:
    """Raw log-odds of default of one row of signal values (k,) float64."""
    if forest.pairs:
        row = with_pairs(forest.pairs, row[None, :])[0]
    return float(_walk_row(row, forest.nodes, forest.trees, forest.bits, forest.has_categories))


def forest_sums_plain(forest: FlatForest, matrix: Floats) -> Floats:
    """The same sums in plain Python: the kernels' twin, equal by test."""
    nodes, bits = forest.nodes.tolist(), forest.bits.tolist()
    found = []
    for values in matrix.tolist():
        row, total = with_pairs_plain(forest.pairs, values), 0.0
        for root in forest.trees[:, 0].tolist():
            place = root
            while nodes[place][1] != place:
                place = _next_plain(nodes[place], bits, row)
            total += nodes[place][0]
        found.append(total)
    return np.array(found, dtype=np.float64)


def _next_plain(node: tuple[float, int, int, int, int], bits: list[int], row: list[float]) -> int:
    threshold, yes, no, missing, signal = node
    if signal >= 0:
        value = row[signal]
        if value != value:
            return missing
        return yes if value <= threshold else no
    value, first = row[-1 - signal], int(threshold)
    if not value >= 0.0:
        return missing
    if value >= bits[first] * 32:
        return no
    code = int(value)
    return yes if bits[first + 1 + (code >> 5)] >> (code & 31) & 1 else no
