"""``puhui audit model``: audit what a model in force decided, keep the figures, show older ones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.score.window import GroupFigures, StoredAudit

DAYS = 30
COLUMNS = (
    "attribute", "group", "reference", "rows", "approved", "of reference", "ratio", "gap", "p",
    "p, family", "finding",
)  # fmt: skip


def audit_model(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIGEST",
            help="The model, by the name it is in force under or the first digits of its digest; "
            "puhui score models lists them.",
        ),
    ],
    since: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="The first day (default: 30 days ago).")
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="The last day (default: today).")
    ] = "",
    show_only: Annotated[
        bool, typer.Option("--show", help="Show the audits that are kept; make none.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Audit the decisions of a model in force by sex, age and region, and keep what was found.

    At most the 8,190 newest decisions are looked at. Each look at a person is logged under the
    purpose of the audit, and the person can see it; kept are figures of groups alone. The end of
    every month does the same of itself.

    Example: puhui audit model merchant_310 --since 2026-01-01
    """
    from puhui.kernel.clock import business_date
    from puhui.score.window import audits_of

    with opened() as node:
        digest = _digest(node, model)
        if not show_only:
            last = _day(until) or business_date(node.clock.now_us())
            first = _day(since) or last - timedelta(days=DAYS)
            asked = {"model_digest": digest, "since": first, "until": last}
            key = f"audit {digest} {first} {last} {node.clock.now_us()}"
            node.act("score.audit_model", asked, key=key, actor=operator())
        with node.read() as tx:
            kept = audits_of(tx, digest)
    for one in kept if show_only else kept[:1]:
        _show(one)
    if not kept:
        say.line("No audit of this model is kept yet.")
    if as_json:
        say.figures(_figures(kept))


def _digest(node: Node, model: str) -> str:
    from puhui.kernel import Refused
    from puhui.score import list_models

    with node.read() as tx:
        models = list_models(tx)
    named = [one.digest for one in models if one.name == model]
    if named:
        return named[-1]
    is_digest = len(model) > 5
    found = sorted({one.digest for one in models if is_digest and one.digest.startswith(model)})
    if len(found) > 1:
        raise typer.BadParameter(f"{len(found)} models begin with {model}; give more digits.")
    if not found:
        raise Refused("score.never_in_force", "No such model was ever in force here.")
    return found[0]


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("A day is written as YYYY-MM-DD.") from None


def _show(audit: StoredAudit) -> None:
    say.line(
        f"\n{audit.since} to {audit.until}: {audit.rows:,} decisions, {audit.approved:,} approved, "
        f"{audit.tests} tests, {audit.findings} findings; by {audit.audited_by}."
    )
    say.table(COLUMNS, [_cells(one) for one in audit.groups], right=tuple(range(3, 10)))
    for name, share in audit.unknown:
        if share:
            say.line(f"{name}: unknown for {100 * share:.0f} of 100 decisions, which are left out.")


def _cells(one: GroupFigures) -> tuple[str, ...]:
    word = "too few rows" if one.is_guarded else "found" if one.is_found else "none"
    return (
        one.attribute,
        one.group,
        one.reference,
        str(one.rows),
        _share(one.approval),
        _share(one.reference_approval),
        "" if one.adverse_impact_ratio is None else f"{one.adverse_impact_ratio:.3f}",
        _share(one.approval_gap),
        "" if one.p_value is None else f"{one.p_value:.4f}",
        "" if one.p_family is None else f"{one.p_family:.4f}",
        word,
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}%"


def _figures(kept: tuple[StoredAudit, ...]) -> dict[str, Any]:
    """Of the newest audit: its size, its findings, and the lowest ratio of a large enough group."""
    if not kept:
        return {"audits": 0}
    newest = kept[0]
    told = [one for one in newest.groups if one.adverse_impact_ratio is not None]
    worst = min(told, key=lambda one: one.adverse_impact_ratio or 0.0, default=None)
    return {
        "audits": len(kept),
        "rows": newest.rows,
        "approved": newest.approved,
        "tests": newest.tests,
        "findings": newest.findings,
        "groups": len(newest.groups),
        "groups_too_small": sum(one.is_guarded for one in newest.groups),
        "adverse_impact_ratio": None if worst is None else worst.adverse_impact_ratio,
        "group": None if worst is None else worst.group,
        "p_family": None if worst is None else worst.p_family,
    }
