"""``puhui offers``: credit offered to many from a file, each by the rule against inducement."""

from __future__ import annotations

import csv
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say

if TYPE_CHECKING:
    from puhui.kernel import Actor, Node

COLUMNS = ("party", "product", "amount", "channel")
ROWS_MAX = 100_000
SHOWN = 20

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]

offers_app = typer.Typer(
    no_args_is_help=True,
    help="Credit offered to customers: many from a file, and what each of them said.",
)


@offers_app.command("make")
def make(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="One offer a row.")],
    refused: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Where refused rows go, with line, code and reason."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge every row, offer and record nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Offer credit to everybody in a file, as far as the rule against inducement lets it.

    Columns: party, product, amount (as people write it), channel (such as sms). Nobody is offered
    more than they asked for once, too often, soon after a no, without a consent, or more than the
    income carries; each such row is refused with its reason and stands in the journal. The same
    file again offers nothing twice. Customers answer on a page of their own; nobody else does.

    Example: puhui offers make spring.csv --refused refused.csv
    """
    from puhui.cli.open import opened, operator
    from puhui.kernel import Refused

    if refused is not None and refused.resolve() == file.resolve():
        raise typer.BadParameter("--refused needs another file than the one that is read.")
    rows, digest = _read(file)
    made, failed = 0, []
    with opened() as node, say.progress() as step:
        who = operator()
        for number, row in enumerate(rows, 2):
            step("offers", number - 1, len(rows))
            try:
                _offer(node, who, row, f"cli offer {digest}:{number}", dry_run=dry_run)
                made += 1
            except Refused as found:
                failed.append((number, row, found))
    if failed:
        say.table(
            ("line", "party", "refused as", "reason"),
            [(str(at), row["party"][:40], no.code, no.reason) for at, row, no in failed[:SHOWN]],
            right=(0,),
        )
        if len(failed) > SHOWN:
            where = refused if refused is not None else "--refused FILE.csv has them all"
            say.line(f"... and {len(failed) - SHOWN:,} more: {where}")
    if refused is not None:
        with refused.open("w", encoding="utf-8-sig", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow((*COLUMNS, "line", "code", "reason"))
            for at, row, no in failed:
                lines.writerow((*(row[name] for name in COLUMNS), at, no.code, no.reason))
    verb = "would be offered" if dry_run else "offered"
    say.line(f"{made:,} of {len(rows):,} {verb}, {len(failed):,} refused.")
    if as_json:
        say.figures({"rows": len(rows), "offers": made, "refused_rows": len(failed)})


def _read(path: Path) -> tuple[list[dict[str, str]], str]:
    """The rows of a file by column, and the digest that tells the same file again."""
    from puhui.kernel import Refused

    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("cli.file_unreadable", "The file is not UTF-8 text.") from None
    found = csv.DictReader(StringIO(text, newline=""))
    if not set(COLUMNS) <= set(found.fieldnames or ()):
        raise Refused("cli.bad_file", f"The file needs the columns {', '.join(COLUMNS)}.")
    rows = [{name: (row[name] or "").strip() for name in COLUMNS} for row in found]
    if len(rows) > ROWS_MAX:
        raise Refused("cli.bad_file", f"A file has {ROWS_MAX:,} offers at most.")
    return rows, sha256(content).hexdigest()


def _offer(node: Node, who: Actor, row: dict[str, str], key: str, *, dry_run: bool) -> Any:
    from puhui.kernel.money import parse_money
    from puhui.lending import shelf

    currency = shelf.load_product(row["product"]).currency
    told = {
        "party_id": row["party"],
        "product": row["product"],
        "amount_minor": parse_money(row["amount"], currency).minor,
        "channel": row["channel"],
    }
    return node.act("lending.offer_credit", told, key=key, actor=who, dry_run=dry_run)


@offers_app.command("list")
def listed(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The customer, by party id.")],
    as_json: Json = False,
) -> None:
    """List what a customer was offered and what they said, and whether they want offers at all.

    Example: puhui offers list party-019c...
    """
    from puhui.cli.open import known_party, opened
    from puhui.kernel.clock import time_of
    from puhui.kernel.money import Money
    from puhui.lending.window import offer

    with opened() as node, node.read() as tx:
        known_party(node, tx, party)
        rows = offer.offers_of(tx, party)
        is_wanted = offer.wants_offers(tx, party)
    say.table(
        ("offered", "product", "amount", "channel", "answer"),
        [
            (f"{time_of(row.made_us):%Y-%m-%d}", row.product,
             str(Money(row.amount_minor, row.currency)), row.channel, row.status)
            for row in rows
        ],
        right=(2,),
    )  # fmt: skip
    say.line("Offers are wanted." if is_wanted else "The customer wants to be offered no credit.")
    if as_json:
        say.figures({"offers": len(rows), "is_wanted": is_wanted})
