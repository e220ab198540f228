"""``puhui score train``: learn a model from past loans, choose among families, keep it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.score import Model, Table, study
    from puhui.score.window import Nested, RefusedTable

MODELS = "models"
BEST = "best"
KINDS = ("points", "trees", "xgboost", "pairs", "ebm", BEST)
METHODS = ("parcelling", "fuzzy")
SEED = 20261127


FileOption = Annotated[
    Path, typer.Argument(metavar="FILE.csv", help="Past loans and how each of them ended.")
]
MappingOption = Annotated[
    str, typer.Option("--mapping", "-m", help="What the columns mean, as for puhui lend.")
]
KindOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(KINDS),
        help="points can be printed; trees, xgboost, pairs and ebm rank better on many rows; "
        "best tries all that are installed and takes what fits and earns most.",
    ),
]
InForceOption = Annotated[
    str,
    typer.Option("--in-force", metavar="NAME", help="Decide by it from now on, as the model NAME."),
]
StablePeriodsOption = Annotated[
    int,
    typer.Option(
        min=0,
        max=24,
        help="Bins of a card must keep their order in each of so many periods of the "
        "mapping's date column (0: not asked).",
    ),
]
RefusedOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv",
        help="Applicants who were refused, so nobody knows how they would have paid; the "
        "model learns from them by a guess (reject inference).",
    ),
]
RejectMethodOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(METHODS),
        help="parcelling calls some refused applicants of each band of scores bad; fuzzy "
        "counts each of them partly bad and partly good.",
    ),
]
RejectFactorOption = Annotated[
    float,
    typer.Option(
        min=1.0,
        max=20.0,
        help="How much worse than approved ones of the same score "
        "refused applicants are taken to be.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same model.")]
EncodingOption = Annotated[str, typer.Option(help="utf-8 or gb18030, where it cannot be told.")]
AsJsonOption = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]


def train(
    file: FileOption,
    mapping: MappingOption,
    kind: KindOption = "points",
    in_force: InForceOption = "",
    stable_periods: StablePeriodsOption = 0,
    refused: RefusedOption = None,
    reject_method: RejectMethodOption = "parcelling",
    reject_factor: RejectFactorOption = 1.5,
    seed: SeedOption = SEED,
    encoding: EncodingOption = "",
    as_json: AsJsonOption = False,
) -> None:
    """Learn a scoring model from past loans and keep it under its digest.

    Figures are of rows that were held out while the model learned. With --kind best the choice is
    made on inner folds and told by outer ones that it has not seen. Nothing decides by the model
    until it is put in force: --in-force now, or later by puhui lend or an analyst.

    Example: puhui score train loans.csv --mapping small_loans --kind best --in-force merchant_310
    """
    if kind not in KINDS:
        raise typer.BadParameter(f"--kind takes {', '.join(KINDS)}.")
    if reject_method not in METHODS:
        raise typer.BadParameter(f"--reject-method takes {' or '.join(METHODS)}.")
    from puhui.score import study

    declared = study.read_mapping(mapping)
    table = _table(file, declared, encoding)
    others = None if refused is None else _refused(
        refused, declared, encoding, reject_method, reject_factor
    )  # fmt: skip
    nested, chosen = None, kind
    if kind == BEST:
        chosen, nested = _choose(table, declared, seed, stable_periods, others)
    with opened() as node:
        model = study.train_held_out(
            table, declared, chosen, seed, trained_on=_today(node), stable_periods=stable_periods,
            refused=others,
        ).model  # fmt: skip
        version = _keep(node, model, declared, mapping, in_force)
    _tell(model, chosen, nested, in_force, version)
    if as_json:
        say.figures(_figures(model, chosen, nested, version))


def _table(path: Path, mapping: study.Mapping, encoding: str) -> Table:
    """All rows of a file that can be read; how many could not is told."""
    from puhui.intake import read_file
    from puhui.score import Table

    with say.progress() as step:
        reading = read_file(
            path, mapping, "score", encoding=encoding,
            progress=lambda done, total: step("read", done, total),
        )  # fmt: skip
        rows, unread = [], 0
        for row in reading:
            if hasattr(row, "code"):
                unread += 1
            else:
                rows.append([row.values[name] for name in reading.columns])
    if unread:
        say.note(f"{unread:,} rows of {path.name} cannot be read and are left out.")
    return Table.of_rows(reading.columns, rows)


def _refused(
    path: Path, mapping: study.Mapping, encoding: str, method: str, factor: float
) -> RefusedTable:
    from puhui.score.window import RefusedTable

    return RefusedTable(_table(path, without_outcome(mapping), encoding), method, factor)


def without_outcome(mapping: study.Mapping) -> study.Mapping:
    """The mapping without what only a decision or a study needs: a new file has no outcome."""
    column = next(column for signal in mapping.signals for column in signal.columns)
    return replace(
        mapping,
        id_column="",
        date_column="",
        target=replace(mapping.target, column=column),
        split=replace(mapping.split, rule="hash", columns=()),
        amount=replace(mapping.amount, column=""),
        term=replace(mapping.term, column=""),
        guards=(),
        loss=(),
    )


def _choose(
    table: Table, mapping: study.Mapping, seed: int, periods: int, others: RefusedTable | None
) -> tuple[str, Nested]:
    from puhui.score.window import choose_kind

    return choose_kind(
        table, mapping, seed, stable_periods=periods, refused=others, progress=say.note
    )


def _today(node: Node) -> str:
    from puhui.kernel.clock import business_date

    return business_date(node.clock.now_us()).isoformat()


def _keep(node: Node, model: Model, mapping: study.Mapping, name: str, in_force: str) -> int:
    """Keep model and mapping under the node's home; the version in force, or 0."""
    from puhui import lending
    from puhui.score import save_model, study

    save_model(node.home / MODELS, model)
    lending.keep_mapping(node.home, mapping, study.mapping_text(name))
    if not in_force:
        return 0
    asked = {"name": in_force, "digest": model.digest}
    key = f"train {in_force} {model.digest}"
    made = node.act("score.register_model", asked, key=key, actor=operator())
    return int(made.version)


def _tell(model: Model, kind: str, nested: Nested | None, in_force: str, version: int) -> None:
    if nested is not None:
        say.table(
            ("family", "AUC", "H", "log loss", "profit"),
            [
                (
                    one.name, f"{one.auc:.4f}", f"{one.h:.4f}", f"{one.log_loss:.4f}",
                    f"{one.profit_share:+.4f}",
                )
                for one in (*nested.standings, nested.champion)
            ],
            right=(1, 2, 3, 4),
        )  # fmt: skip
        say.line(
            "The champion's row is of folds that no choice has seen; chosen there: "
            f"{', '.join(nested.chosen)}."
        )
    say.line(
        f"{kind}, {int(model.metric('rows')):,} rows with {int(model.metric('bads')):,} bad ones: "
        f"AUC {model.metric('cv_auc'):.4f}, H {model.metric('cv_h'):.4f}, kept as "
        f"{model.digest[:12]}."
    )
    if version:
        say.line(f"In force as {in_force}, version {version}.")


def _figures(model: Model, kind: str, nested: Nested | None, version: int) -> dict[str, object]:
    figures: dict[str, object] = {
        "model": model.digest,
        "kind": kind,
        "rows": int(model.metric("rows")),
        "bads": int(model.metric("bads")),
        "cv_auc": model.metric("cv_auc"),
        "cv_h": model.metric("cv_h"),
        "version": version,
    }
    figures |= {key: value for key, value in model.parameters if key.startswith("reject_")}
    if nested is not None:
        figures["nested_auc"], figures["nested_h"] = nested.champion.auc, nested.champion.h
    return figures
