"""Files of payments: read as a stream, posted in batches, each row paid or refused by itself.

A batch is an act keyed by what stands in it, so a file that is paid again posts nothing, two runs
at once post once, and one that was killed goes on where it was. Beside that each payment is named
by its payer and its payment id for ever: the same one in another file is a repeat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from puhui.kernel.act import BATCH_MAX, Actor
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.forward import PASSING, Forwarder, State
from puhui.kernel.node import Node
from puhui.kernel.pending import Pending
from puhui.kernel.store import Transaction
from puhui.party import Party, find_parties
from puhui.payment.desk.number import find, is_wallet_number
from puhui.payment.desk.post import is_number
from puhui.payment.formats.csv_file import read_csv
from puhui.payment.nouns.line import PaymentLine, RefusedLine
from puhui.payment.nouns.pay import BatchPaid, FilePaid, PayBatch
from puhui.payment.rules.batch import REASON_CODES

KEPT_MAX = 1_000
"""Refusals that are kept in memory; all of them are told one by one."""

KNOWN_MAX = 500_000
"""Names of parties that are remembered while a file is read."""

Tell = Callable[[PaymentLine | None, RefusedLine], None]
"""Is told of each refusal, with the payment where it could be read as one."""


@dataclass(frozen=True, slots=True)
class _Posting:
    """A batch that is being posted, and the rows that stand in it."""

    batch: PayBatch
    key: str
    lines: Sequence[PaymentLine]
    pending: Pending


@dataclass(slots=True)
class _Run:
    """What a run has come to so far."""

    node: Node
    actor: Actor
    source: str
    dry_run: bool
    tell: Tell
    queue: Forwarder | None = None
    payments: int = 0
    queued: int = 0
    posted: int = 0
    repeated: int = 0
    refused_rows: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    refused: list[RefusedLine] = field(default_factory=list)
    on_the_way: _Posting | None = None
    known: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def refuse(self, refusal: RefusedLine, line: PaymentLine | None = None) -> None:
        """Count and tell one refusal."""
        self.refused_rows += 1
        if len(self.refused) < KEPT_MAX:
            self.refused.append(refusal)
        self.tell(line, refusal)


def _tell_nobody(line: PaymentLine | None, refusal: RefusedLine) -> None:
    pass


def pay_file(
    node: Node,
    actor: Actor,
    path: Path,
    *,
    source: str = "",
    encoding: str = "",
    dry_run: bool = False,
    step: Callable[[int], None] | None = None,
    tell: Tell = _tell_nobody,
    queue: Forwarder | None = None,
) -> FilePaid:
    """Pay the file at ``path``: CSV, or pain.001 where its name ends in .xml.

    ``source`` is whose references stand for payers and payees, where they are no ids or numbers.
    ``step`` is told how many bytes (of XML: payments) were read. With ``dry_run`` nothing is
    recorded, and each batch is judged as if none before it had been. With ``queue``, batches that
    no store takes now are accepted into it and posted later; who is named by a reference cannot be
    looked up then (``payment.no_look_up``). Refused: ``payment.no_file``,
    ``payment.bad_encoding``, ``payment.bad_header`` and what the reader of pain.001 refuses.
    """
    run = _Run(node, actor, source, dry_run, tell, None if dry_run else queue)
    lines = _read(node, path, encoding, step)
    try:
        while chunk := list(islice(lines, BATCH_MAX)):  # read while the batch before is posted
            _settle(run)
            _pay_chunk(run, chunk)
    finally:
        _settle(run)  # also where reading stopped: nothing goes on after this returns
    return FilePaid(
        payments=run.payments,
        posted=run.posted,
        queued=run.queued,
        repeated=run.repeated,
        refused_rows=run.refused_rows,
        posted_minor=tuple(sorted(run.sums.items())),
        refused=tuple(run.refused),
    )


def _read(
    node: Node, path: Path, encoding: str, step: Callable[[int], None] | None
) -> Iterator[PaymentLine | RefusedLine]:
    if path.suffix.lower() != ".xml":
        yield from read_csv(path, encoding=encoding, tell=step)
        return
    from puhui.payment.formats.iso20022 import read_pain001  # read only where it is asked for

    today = business_date(node.clock.now_us())
    try:
        for number, line in enumerate(read_pain001(path, on=today), start=1):
            if step is not None:
                step(number)
            yield line
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror or error}."
        raise Refused("payment.no_file", reason) from None


def _pay_chunk(run: _Run, chunk: Sequence[PaymentLine | RefusedLine]) -> None:
    """Pay the rows of a chunk, one batch for each currency, in the order of the file."""
    run.payments += len(chunk)
    lines = []
    for line in chunk:
        if isinstance(line, PaymentLine):
            lines.append(line)
        else:
            run.refuse(line)
    _look_up(run, lines)
    by_currency: dict[str, list[PaymentLine]] = {}
    for line in lines:
        strangers = [text for text in (line.payer, line.payee) if not run.known[text]]
        if strangers:
            run.refuse(_stranger(run, line, strangers[0]), line)
        else:
            by_currency.setdefault(line.currency, []).append(line)
    for currency, some in by_currency.items():
        _post(run, currency, some)


def _stranger(run: _Run, line: PaymentLine, name: str) -> RefusedLine:
    if name in run.unknown:
        reason = f"Who is {name[:60]!r} cannot be looked up while the store is off."
        return RefusedLine(line.line, line.payment_id, "payment.no_look_up", reason)
    reason = f"Nobody here is {name[:60]!r}."
    return RefusedLine(line.line, line.payment_id, "payment.unknown_party", reason)


def _look_up(run: _Run, lines: Sequence[PaymentLine]) -> None:
    """Find out which party each new name is: two statements at most for a chunk."""
    if len(run.known) > KNOWN_MAX:
        run.known.clear()
    names = {line.payer for line in lines} | {line.payee for line in lines}
    new = sorted(names - run.known.keys())
    run.known.update(dict.fromkeys(new, ""))
    run.known.update({name: name.lower() for name in new if is_number(name)})
    ids = [name for name in new if name.startswith("party-")]
    numbers = [name for name in new if is_wallet_number(name)]
    known = {*ids, *numbers}
    others = [name for name in new if not is_number(name) and name not in known]
    try:
        with run.node.read() as tx:
            run.known.update({name: _account_of(tx, name) for name in numbers})
            for some in _pieces(ids):
                found = find_parties(run.node, tx, party_ids=some)
                run.known.update(_living((party.id, party) for party in found))
            for some in _pieces(others if run.source else ()):
                found = find_parties(run.node, tx, source=run.source, references=some)
                run.known.update(_living((party.reference or "", party) for party in found))
    except Fault as fault:
        if run.queue is None or fault.code not in PASSING:
            raise
        run.known.update({name: name for name in ids})  # judged when they are posted
        run.unknown.update(others, numbers)


def _account_of(tx: Transaction, number: str) -> str:
    """The account of a wallet number, "" where it is nobody's."""
    try:
        return f"{find(tx, number):032x}"
    except Refused:
        return ""


def _pieces(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[at : at + BATCH_MAX] for at in range(0, len(names), BATCH_MAX))


def _living(pairs: Iterable[tuple[str, Party]]) -> dict[str, str]:
    return {name: party.id for name, party in pairs if not party.is_erased}


def _post(run: _Run, currency: str, lines: Sequence[PaymentLine]) -> None:
    """Send one batch on its way."""
    batch = PayBatch(
        payment_ids=tuple(line.payment_id for line in lines),
        payers=tuple(run.known[line.payer] for line in lines),
        payees=tuple(run.known[line.payee] for line in lines),
        amounts_minor=tuple(line.amount_minor for line in lines),
        currency=currency,
        purposes=tuple(line.purpose for line in lines),
        remarks=tuple(line.remark for line in lines),
    )
    _settle(run)
    key = key_of(batch)
    if run.queue is not None and run.queue.waiting:
        _enqueue(run, run.queue, batch, key, lines)
        return
    try:
        pending = run.node.submit(
            "payment.pay_batch", batch, key=key, actor=run.actor, dry_run=run.dry_run
        )
    except Fault as fault:
        _put_off(run, fault, batch, key, lines)
    else:
        run.on_the_way = _Posting(batch, key, lines, pending)


def _settle(run: _Run) -> None:
    """Wait for the batch that is being posted, if any, and count what became of it.

    One batch at a time is on its way, so batches are posted in the order of the file.
    """
    posting, run.on_the_way = run.on_the_way, None
    if posting is None:
        return
    try:
        outcome: BatchPaid = posting.pending.result()
    except Fault as fault:
        _put_off(run, fault, posting.batch, posting.key, posting.lines)
        return
    _count(run, posting.lines, outcome, is_repeat=posting.pending.is_repeat)


def _put_off(
    run: _Run, fault: Fault, batch: PayBatch, key: str, lines: Sequence[PaymentLine]
) -> None:
    """Put a batch into the queue where there is one and the store will be back."""
    if run.queue is None or fault.code not in PASSING:
        raise fault
    _enqueue(run, run.queue, batch, key, lines)


def _enqueue(
    run: _Run, queue: Forwarder, batch: PayBatch, key: str, lines: Sequence[PaymentLine]
) -> None:
    """Accept a batch for later; where the store is back meanwhile it is posted at once."""
    answer = queue.act("payment.pay_batch", batch, key=key, actor=run.actor)
    if answer.state is State.QUEUED:
        run.queued += len(lines)
    elif answer.state is State.POSTED:
        _count(run, lines, answer.outcome, is_repeat=False)
    else:
        raise Refused(answer.code, answer.reason)


def _count(run: _Run, lines: Sequence[PaymentLine], outcome: BatchPaid, *, is_repeat: bool) -> None:
    currency = lines[0].currency
    for place, code in outcome.refused:
        line = lines[place]
        run.refuse(RefusedLine(line.line, line.payment_id, code, REASON_CODES[code]), line)
    if is_repeat:
        run.repeated += outcome.posted + len(outcome.repeated)
        return
    run.repeated += len(outcome.repeated)
    run.posted += outcome.posted
    if outcome.posted:
        run.sums[currency] = run.sums.get(currency, 0) + outcome.posted_minor


def key_of(batch: PayBatch) -> str:
    """The key of the act that posts a batch: a digest of all that stands in it."""
    digest = hashlib.blake2b(batch.currency.encode(), digest_size=16)
    for column in (batch.payment_ids, batch.payers, batch.payees, batch.purposes, batch.remarks):
        digest.update(f"\x1e{len(column)}\x1f".encode())
        digest.update("\x1f".join(column).encode())
    digest.update("\x1f".join(map(str, batch.amounts_minor)).encode())
    return f"pay:{digest.hexdigest()}"
