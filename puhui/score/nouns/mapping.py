"""What a table of past loans means: which column is a signal, the outcome, or forbidden."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("number", "category")
DIRECTIONS = ("", "up", "down", "free")
OPERATIONS = (
    "copy",
    "ratio",
    "sum",
    "difference",
    "above",
    "same",
    "prefix",
    "year",
    "years_between",
)
"""The closed list of ways to derive a signal; two columns for ratio, difference, same and
years_between, any number for sum, one for the rest."""
DATE_FORMATS = ("iso", "us", "sas_days")
SPLIT_RULES = ("equals", "at_most", "hash")


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: its kind, where it comes from, and how people are told about it.

    ``operation`` is one of ``OPERATIONS``, or "absent" (not in this table) or "stated" (the same
    ``stated`` value for every row). ``operand`` is the bound of "above" and the length of
    "prefix"; ``date_format`` is that of dated columns. ``direction`` says how the probability of
    default moves with a number: "up", "down", "free" (any shape), or "" (monotone, the data
    choose). Values of ``special`` (such as 98 for "not told") get bins of their own; values below
    ``least`` or above ``most`` are refused.
    """

    name: str
    kind: str
    operation: str
    columns: tuple[str, ...]
    title_zh: str
    title_en: str
    advice_zh: str = ""
    advice_en: str = ""
    operand: float = 0.0
    date_format: str = ""
    stated: str = ""
    direction: str = ""
    least: float | None = None
    most: float | None = None
    special: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The outcome: ``bad`` and ``good`` values of one column; other values are unlabelled."""

    column: str
    bad: tuple[str, ...]
    good: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Which rows train: ``column`` equals ``value``, is at most ``value``, or a fixed hash.

    For "hash", ``share`` (0..1) of the rows train, by SHA-256 over ``salt`` and the row's values
    in ``columns`` (all columns when empty), so a row falls on the same side for ever.
    """

    rule: str
    columns: tuple[str, ...]
    value: str = ""
    share: float = 0.0
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A column that no signal may use, and why (for instance: known only afterwards)."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class ColumnAs:
    """A column read for another purpose than scoring, multiplied by ``times``.

    Guards (``age``, ``yearly_income``, ``existing_debt``, ``overdue``, ``overdue_days``,
    ``monthly_inflow``), the amount asked for, and the loss columns are declared so. With
    ``stated_by`` ("product") the value comes from there instead.
    """

    role: str
    column: str = ""
    times: str = "1"
    stated_by: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the table comes from: title, link or reference, and the date it was read."""

    title: str
    link: str
    on: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """The declared meaning of one table; everything not declared here is not used.

    ``loss`` gives the charged-off amount and the exposure it is a share of; only the evaluation
    reads them. ``digest`` is the SHA-256 of the declaration as it was written.
    """

    name: str
    title_zh: str
    title_en: str
    currency: str
    source: Source
    id_column: str
    date_column: str
    date_format: str
    target: Target
    split: Split
    signals: tuple[Signal, ...]
    forbidden: tuple[Forbidden, ...]
    amount: ColumnAs
    term: ColumnAs
    guards: tuple[ColumnAs, ...]
    loss: tuple[ColumnAs, ...]
    parameters: tuple[tuple[str, float], ...]
    digest: str
