"""What the report of a lending run says; the run fills it in, the pages show it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from puhui.intake.cost import ApplicationCost
from puhui.intake.evaluate import Evaluation, GuardCount
from puhui.intake.read.row import FileFacts, RefusedRow, refusal_texts
from puhui.kernel.money import Money
from puhui.score import study

EXAMPLES_MAX = 20
LINES_MAX = 8


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """How many rows of the file were refused for one reason, with the first of their lines."""

    code: str
    title_zh: str
    title_en: str
    rows: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many refused applications were given one reason."""

    code: str
    title_zh: str
    title_en: str
    rows: int


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The papers of the model that decided; ``signals`` are (name, Chinese, English)."""

    name: str
    kind: str
    digest: str
    data_digest: str
    mapping_digest: str
    maker: str
    trained_on: str
    train_rows: int
    train_bad_rate: float
    signals: tuple[tuple[str, str, str], ...]
    parameters: tuple[tuple[str, float], ...]
    metrics: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one step of the run took."""

    title_zh: str
    title_en: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class LendReport:
    """Everything that a lending run reports; shares are 0..1, ``made_on`` an ISO date.

    ``evaluation`` is None where no outcome is known, ``replication`` where there is no published
    figure, ``file`` where the applications came from no file. ``applications`` are the rows
    decided; ``new_acts`` what this run added, 0 for a second run. ``pd_max`` is the cut-off and
    ``charged_off_share`` the loss given default, both chosen on training rows.
    """

    title_zh: str
    title_en: str
    source_title: str
    source_link: str
    is_synthetic: bool
    made_on: str
    code_version: str
    mapping: str
    product_zh: str
    product_en: str
    file: FileFacts | None
    refused_rows: int
    refusals: tuple[RefusalCount, ...]
    refused_examples: tuple[RefusedRow, ...]
    applications: int
    new_acts: int
    approved: int
    capped: int
    reviewed: int
    disbursed_loans: int
    disbursed: Money
    trial_balance: Money
    evaluation: Evaluation | None
    pd_max: Decimal | None
    charged_off_share: Decimal | None
    reasons: tuple[ReasonCount, ...]
    guards: tuple[GuardCount, ...]
    cost: ApplicationCost
    model: ModelCard
    warnings: tuple[study.ColumnWarning, ...]
    forbidden: tuple[tuple[str, str], ...]
    replication: study.Replication | None
    seconds: float
    cpu_ms_per_application: float
    timings: tuple[Timing, ...]


class RefusalTally:
    """Counts refused rows as they come, in bounded memory."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lines: dict[str, list[int]] = {}
        self._examples: list[RefusedRow] = []

    def add(self, row: RefusedRow) -> None:
        """Count one refused row."""
        self._counts[row.code] += 1
        lines = self._lines.setdefault(row.code, [])
        if len(lines) < LINES_MAX:
            lines.append(row.line)
        if len(self._examples) < EXAMPLES_MAX:
            self._examples.append(row)

    @property
    def examples(self) -> tuple[RefusedRow, ...]:
        """The first rows refused."""
        return tuple(self._examples)

    def total(self) -> int:
        """All rows refused."""
        return self._counts.total()

    def counts(self) -> tuple[RefusalCount, ...]:
        """Rows by reason, the most frequent first; codes of other rooms stand for themselves."""
        texts = refusal_texts()
        found = []
        for code, rows in sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0])):
            words = texts.get(code.partition(".")[2], {})
            found.append(
                RefusalCount(
                    code,
                    words.get("title_zh", code),
                    words.get("title_en", code),
                    rows,
                    tuple(self._lines[code]),
                )
            )
        return tuple(found)
