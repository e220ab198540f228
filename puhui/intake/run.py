"""A file through the ordinary acts: register, apply, decide, accept, disburse, many on the way."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from puhui import lending
from puhui.data import consents_of
from puhui.intake.read import FileRow
from puhui.kernel import Actor, Fault, Node, Refused
from puhui.kernel.act import BATCH_MAX
from puhui.kernel.clock import business_date
from puhui.kernel.pending import Pending

ON_THE_WAY = 400
PURPOSE = "credit_decision"
FIELDS = ("industry_fact", "past_repayment", "stated_turnover")
"""The data fields that rows of a file stand for in its one recorded consent."""

CONSENT_DAYS = 365
Step = Callable[[str, int, int], None]
Item = TypeVar("Item")


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(frozen=True, slots=True)
class Terms:
    """How the rows of a file become applications."""

    source: str
    product: str
    champion: str
    mapping_digest: str
    channel: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One application to be made: the key of its acts, its facts, and who asks."""

    key: str
    line: int
    row: dict[str, str]
    wanted_minor: int
    party_id: str = ""
    fields: tuple[str, ...] = FIELDS


@dataclass(slots=True)
class Course:
    """How far one application came."""

    ask: Ask
    application_id: str = ""
    outcome: str = ""
    is_capped: bool = False
    disbursed_minor: int = 0
    refused: Refused | None = None


@dataclass(slots=True)
class Tally:
    """What a run added: acts that were not recorded before."""

    new_acts: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0


class Runner:
    """Plays applications on a node as one actor, and counts what was new."""

    def __init__(self, node: Node, actor: Actor, terms: Terms, step: Step | None = None) -> None:
        self.node = node
        self.actor = actor
        self.terms = terms
        self.tally = Tally()
        self._step = step or (lambda name, done, total: None)

    def act(self, use_case: str, key: str, /, **input: object) -> Any:
        """Run one act and count it."""
        return self._take(self._send(use_case, key, **input))

    def _send(self, use_case: str, key: str, /, **input: object) -> Pending:
        return self.node.submit(use_case, dict(input), key=key, actor=self.actor)

    def _take(self, pending: Pending) -> Any:
        try:
            return pending.result()
        finally:
            self.tally.new_acts += not pending.is_repeat

    def register(self, rows: Sequence[FileRow]) -> dict[str, str]:
        """An anonymous party per row, in batch acts; row key -> party id."""
        found: dict[str, str] = {}
        for batch in _chunks(rows, BATCH_MAX):
            references = tuple(row.key[:32] for row in batch)
            digest = hashlib.sha256("\n".join(references).encode()).hexdigest()[:32]
            made = self.act(
                "party.register_parties",
                f"parties:{self.terms.source}:{digest}",
                source=self.terms.source,
                references=references,
            )
            ids: tuple[str, ...] = made.party_ids
            found.update((row.key, id_) for row, id_ in zip(batch, ids, strict=True))
            self._step("register", len(found), len(rows))
        return found

    def consent(self, file_digest: str, basis: str) -> None:
        """Record the one consent of the file, unless one that is valid today is there."""
        now_us = self.node.clock.now_us()
        with self.node.read() as tx:
            consents = consents_of(self.node, tx, source=self.terms.source)
        if any(
            consent.purpose == PURPOSE
            and set(FIELDS) <= set(consent.terms.fields)
            and consent.terms.revoked_us is None
            and consent.terms.granted_us <= now_us < consent.terms.until_us
            for consent in consents
        ):
            return
        today = business_date(now_us)
        self.act(
            "data.grant_file_consent",
            f"consent:{self.terms.source}:{today}",
            source=self.terms.source,
            file_digest=file_digest,
            basis=basis,
            purpose=PURPOSE,
            fields=FIELDS,
            until=today + timedelta(days=CONSENT_DAYS),
        )

    def lend(self, asks: Sequence[Ask]) -> list[Course]:
        """Take every application to its end; those refused on the way keep their reason."""
        courses = [Course(ask) for ask in asks]
        wall, cpu = time.perf_counter(), time.process_time()
        done = 0
        for chunk in _chunks(courses, ON_THE_WAY):
            self._apply(chunk)
            self._decide([course for course in chunk if course.application_id])
            self._pay([course for course in chunk if course.outcome == "approved"])
            done += len(chunk)
            self._step("lend", done, len(courses))
        self.tally.seconds = time.perf_counter() - wall
        self.tally.cpu_seconds = time.process_time() - cpu
        return courses

    def _apply(self, courses: Sequence[Course]) -> None:
        def send(course: Course) -> Pending:
            ask = course.ask
            return self._send(
                "lending.apply",
                f"lend:{ask.key}:apply",
                party_id=ask.party_id,
                product=self.terms.product,
                wanted_minor=ask.wanted_minor,
                mapping=self.terms.mapping_digest,
                champion=self.terms.champion,
                row=ask.row,
                fields=ask.fields,
                channel=self.terms.channel,
                source_id=ask.key[:32],
            )

        for course, applied in self._each(courses, send):
            course.application_id = applied.application_id

    def _decide(self, courses: Sequence[Course]) -> None:
        def send(course: Course) -> Pending:
            key = f"lend:{course.ask.key}:decide"
            return self._send("lending.decide", key, application_id=course.application_id)

        for course, decided in self._each(courses, send):
            course.outcome = decided.outcome
            course.is_capped = decided.is_capped

    def _pay(self, courses: Sequence[Course]) -> None:
        """Accept and disburse what is approved; what was done before is found done."""
        today = business_date(self.node.clock.now_us())
        open_courses, signed = [], []
        with self.node.read() as tx:
            for course in courses:
                contract = lending.contract_of(tx, course.application_id)
                if contract is None:
                    open_courses.append(course)
                elif contract.status == "signed":
                    signed.append((course, contract))
                else:
                    course.disbursed_minor = contract.principal_minor
        pairs = []
        for course, contract in signed:
            if contract.signed_on == today:
                pairs.append((course, contract.contract_id))
                continue
            key = f"lend:{course.ask.key}:void:{contract.contract_id[9:25]}"
            try:
                self.act("lending.void_contract", key, contract_id=contract.contract_id)
                open_courses.append(course)
            except Refused as refused:
                course.refused = refused
        for course, made in self._each(open_courses, lambda course: self._accept(course, today)):
            pairs.append((course, made.contract_id))

        sent = []
        for course, contract_id in pairs:
            key = f"lend:{course.ask.key}:disburse:{contract_id[9:25]}"
            sent.append((course, self._send("lending.disburse", key, contract_id=contract_id)))
        for course, pending in sent:
            try:
                course.disbursed_minor = self._take(pending).amount_minor
            except Refused as refused:
                course.refused = refused

    def _accept(self, course: Course, today: date) -> Pending:
        with self.node.read(is_snapshot=False) as tx:
            contract, _, _ = lending.draft_contract(tx, course.application_id, today, "zh")
        return self._send(
            "lending.accept",
            f"lend:{course.ask.key}:accept:{today}",
            application_id=course.application_id,
            contract_digest=contract.digest,
        )

    def _each(
        self, courses: Sequence[Course], send: Callable[[Course], Pending]
    ) -> Iterator[tuple[Course, Any]]:
        """Send one act for each, then take the answers; what is refused is kept and left out."""
        sent: list[tuple[Course, Pending]] = []
        for course in courses:
            try:
                sent.append((course, send(course)))
            except Refused as refused:
                course.refused = refused
        for place, (course, pending) in enumerate(sent):
            try:
                yield course, self._take(pending)
            except Refused as refused:
                course.refused = refused
            except Fault:
                # A run that ends leaves nothing on its way that the next one would meet.
                for _, left in sent[place:]:
                    with suppress(Refused, Fault):
                        left.result()
                raise
