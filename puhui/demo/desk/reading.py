"""Applicants' rows, read by consent: flows out of the ledger, records and birth dates out of data.

A look is recorded as an access under the person's consent before anything is opened; without a
valid consent nothing is read, and the application goes in without a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from puhui.demo.desk.acts import COUNTY, ROOT, Acting, Progress, Wish, is_done
from puhui.demo.desk.settle import FIELDS, PURPOSE
from puhui.demo.figures import read_figures
from puhui.demo.nouns import GuardCase, MerchantApplication, SeededCounty, SeededMerchant
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
from puhui.merchant import Guarded, read_row
from puhui.party import Party, find_parties

PAGE = 64
"""Merchants looked at together: an access may be used for some minutes only."""

COPIES = {GuardCase.APPLIES_TWICE: 2, GuardCase.EXPOSED: 2}
"""How often somebody applies; everybody else once."""


def applications(
    node: Node, county: SeededCounty, *, progress: Progress | None = None
) -> Iterator[MerchantApplication]:
    """What each merchant of the county applies with today, as far as the journal has none of it.

    Signals come from the ledger's transfers of the wallet over the history and from records that
    partners shared, both opened under a recorded access. Recording these accesses are the only
    acts; an application that ``application_key`` shows as made is left out.
    """
    acting = Acting(node, progress)
    today = business_date(node.clock.now_us())
    with node.read() as tx:
        waiting = [
            (one, [copy for copy in _copies(one) if not is_done(tx, application_key(one, copy))])
            for one in county.merchants
        ]
    waiting = [(one, copies) for one, copies in waiting if copies]
    for start in range(0, len(waiting), PAGE):
        page = waiting[start : start + PAGE]
        found = look(acting, [one for one, _ in page], today)
        for (one, copies), (row, guards, refusal) in zip(page, found, strict=True):
            for copy in copies:
                yield MerchantApplication(
                    party_id=one.party_id,
                    source_id=source_id_of(one, copy),
                    row=row,
                    guards=guards,
                    wanted_minor=one.merchant.wanted_minor,
                    fields=FIELDS,
                    copy=copy,
                    refusal=refusal,
                )


def _copies(one: SeededMerchant) -> range:
    return range(1, 1 + COPIES.get(one.merchant.case, 1))


def source_id_of(one: SeededMerchant, copy: int) -> str:
    """The county's own number of an application."""
    return f"{one.merchant.number:05d}-{copy}"


def application_key(one: SeededMerchant, copy: int) -> str:
    """The key of the act that takes the application in."""
    return f"{ROOT}/apply/{source_id_of(one, copy)}"


Found = tuple[dict[str, str], Guarded, str | None]


def look(acting: Acting, merchants: list[SeededMerchant], today: date) -> Iterator[Found]:
    """The row, guard input and refusal of each merchant, after recording the accesses."""
    now_us = acting.node.clock.now_us()
    wishes = (
        Wish(
            f"{ROOT}/access/{one.merchant.number}/{now_us}",
            {"party_id": one.party_id, "purpose": PURPOSE, "fields": FIELDS},
        )
        for one in merchants
    )
    answers = acting.run("data.record_access", wishes, step="accesses")
    with acting.node.read() as tx:
        known = {
            party.id: party
            for party in find_parties(
                acting.node, tx, party_ids=[one.party_id for one in merchants]
            )
        }
        for one, answer in zip(merchants, answers, strict=True):
            party = known[one.party_id]
            if isinstance(answer, Refused):
                yield {}, _unread(party), answer.code
            else:
                yield _opened(acting.node, tx, one, party, answer.access_id, today)


def _unread(party: Party) -> Guarded:
    return Guarded(
        is_firm=party.kind == "firm",
        is_identity_verified=party.is_identified,
        is_consent_valid=False,
    )


def _opened(
    node: Node, tx: Transaction, one: SeededMerchant, party: Party, access_id: str, today: date
) -> Found:
    row, guards = read_row(
        node,
        tx,
        access_id,
        viewer=COUNTY.name,
        party=party,
        wallet_id=one.wallet_id,
        since=today - timedelta(days=read_figures().history_days),
        on=today,
    )
    return row, guards, None
