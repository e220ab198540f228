"""``puhui pay``: a file of payments, posted once whatever happens, bad rows refused one by one."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened_or_apart, operator

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.kernel.forward import Forwarder
    from puhui.payment import PaymentLine
    from puhui.payment.window import FilePaid, RefusedLine

    Tell = Callable[[PaymentLine | None, RefusedLine], None]

SHOWN = 20
COLUMNS = ("payment_id", "payer", "payee", "amount", "currency", "purpose", "remark")
TOLD = ("line", "code", "reason")


def pay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv|FILE.xml", help="Payments: CSV, or pain.001.")
    ],
    source: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Whose references name payers and payees, where the file has neither party ids "
            "nor numbers of accounts.",
        ),
    ] = "",
    refused: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Where refused rows go, with line, code and reason."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030, where it cannot be told.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge every row, post and record nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """Pay a file: every row posted once or refused with its line and reason.

    Columns, in any order: payment_id, payer, payee, amount, and where wanted currency, purpose,
    remark; Chinese names are known too (付款编号, 付款人, 收款人, 金额, 币种, 用途, 附言). Payers
    and payees are party ids, numbers of accounts, or references of --source. The same file again
    posts nothing; a run that was killed goes on; a payment id of a payer is one payment for ever.
    With PUHUI_QUEUE set, a file is accepted while the store is off, and posted when it is back.

    Example: puhui pay wages.csv --refused refused.csv --json
    """
    from puhui.payment.window import pay_file

    if refused is not None and refused.resolve() == file.resolve():
        raise typer.BadParameter("--refused needs another file than the one that is paid.")
    with (
        opened_or_apart() as node,
        _queue(node, dry_run=dry_run) as queue,
        _report(refused) as tell,
        say.progress() as step,
    ):
        total = file.stat().st_size if file.is_file() else 0
        is_xml = file.suffix.lower() == ".xml"
        paid = pay_file(
            node,
            operator(),
            file,
            source=source,
            encoding=encoding,
            dry_run=dry_run,
            step=lambda done: step("payments", done, done if is_xml else max(total, done)),
            tell=tell,
            queue=queue,
        )
        difference = None if paid.queued else _difference(node)
    _show(paid, dry_run, refused, difference)
    if as_json:
        say.figures(
            {
                "payments": paid.payments,
                "refused_rows": paid.refused_rows,
                "posted": paid.posted,
                "trial_balance_minor": difference,
                "repeated": paid.repeated,
                "queued": paid.queued,
            }
        )


def _difference(node: Node) -> int:
    """How far debits and credits are apart, in minor units."""
    from puhui.ledger import trial_balance

    with node.read() as tx:
        return trial_balance(tx).difference_minor


@contextmanager
def _report(path: Path | None) -> Iterator[Tell]:
    """Writes each refusal into a file as it comes; a file that can be mended and paid again."""
    if path is None:
        yield lambda line, refusal: None
        return
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow((*COLUMNS, *TOLD))

        def tell(line: PaymentLine | None, refusal: RefusedLine) -> None:
            told = (refusal.line, refusal.code, refusal.reason)
            rows.writerow((*_cells(line, refusal), *told))

        yield tell


def _cells(line: PaymentLine | None, refusal: RefusedLine) -> tuple[str, ...]:
    from puhui.kernel.money import Money

    if line is None:
        return (refusal.payment_id, *("" for _ in COLUMNS[1:]))
    amount = str(Money(line.amount_minor, line.currency).major())
    words = (line.purpose, line.remark)
    return (line.payment_id, line.payer, line.payee, amount, line.currency, *words)


@contextmanager
def _queue(node: Node, *, dry_run: bool) -> Iterator[Forwarder | None]:
    """The queue of files, drained first; None where queues are off, or another run has it."""
    from puhui.channel import queues
    from puhui.kernel import Refused

    try:
        queue = None if dry_run else queues.open_queue(node, "pay")
    except Refused as refused:
        if refused.code != "kernel.queue_in_use":
            raise
        queue = None
    if queue is None:
        yield None
        return
    try:
        if queue.waiting:
            done = queues.drain(queue)
            say.note(
                f"Of the files accepted before, {done.posted:,} batches are posted now, "
                f"{len(done.refused):,} refused, {done.left:,} still wait."
            )
        yield queue
    finally:
        queue.close()


def _show(paid: FilePaid, dry_run: bool, refused: Path | None, difference: int | None) -> None:
    """A run in words, and the first refusals as a table."""
    from puhui.kernel.money import Money

    if paid.refused:
        say.table(
            ("line", "payment", "refused as", "reason"),
            [
                (str(one.line), one.payment_id[:40], one.code, one.reason)
                for one in paid.refused[:SHOWN]
            ],
            right=(0,),
        )
        if paid.refused_rows > SHOWN:
            where = refused if refused is not None else "--refused FILE.csv has them all"
            say.line(f"... and {paid.refused_rows - SHOWN:,} more: {where}")
    sums = ", ".join(str(Money(minor, currency)) for currency, minor in paid.posted_minor)
    verb = "would post" if dry_run else "posted"
    nothing = "nothing: all of it was posted before" if paid.repeated else "nothing"
    say.pairs(
        [
            ("payments", f"{paid.payments:,}"),
            (verb, f"{paid.posted:,} ({sums})" if paid.posted else nothing),
            ("posted before", f"{paid.repeated:,}"),
            ("refused", f"{paid.refused_rows:,}"),
            ("accepted, not yet posted", f"{paid.queued:,}"),
            ("trial balance", "not known now" if difference is None else f"{difference} apart"),
        ]
    )
    if paid.queued:
        say.line(
            "The store is off. What was accepted is kept on this machine and posted when the store "
            "is back: by puhui serve or puhui worker, or by the next puhui pay. Pay the same file "
            "again then to see what became of each row."
        )
