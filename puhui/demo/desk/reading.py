"""Applicants' rows, read by consent: flows out of the ledger, records and birth dates out of data.

A look is recorded as an access under the person's consent before anything is opened; without a
valid consent nothing is read, and the application goes in without a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from puhui.data import view
from puhui.demo.desk.acts import COUNTY, ROOT, Acting, Progress, Wish, is_done
from puhui.demo.desk.settle import FIELDS, PURPOSE
from puhui.demo.desk.wallet import read_flows
from puhui.demo.figures import read_figures
from puhui.demo.nouns import (
    Flows,
    GuardCase,
    GuardInput,
    Invoice,
    MerchantApplication,
    Observed,
    PastInstalment,
    SeededCounty,
    SeededMerchant,
)
from puhui.demo.rules.row import monthly_inflow_minor, row_of
from puhui.demo.rules.signal import signals_of
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction
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
        found = _look(acting, [one for one, _ in page], today)
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


Found = tuple[dict[str, str], GuardInput, str | None]
Record = tuple[str, str, Mapping[str, object]]
"""An opened record: its kind, its reference, and what it says."""


def _look(acting: Acting, merchants: list[SeededMerchant], today: date) -> Iterator[Found]:
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


def _unread(party: Party) -> GuardInput:
    return GuardInput(
        is_firm=party.kind == "firm",
        is_identity_verified=party.is_identified,
        is_consent_valid=False,
    )


def _opened(
    node: Node, tx: Transaction, one: SeededMerchant, party: Party, access_id: str, today: date
) -> Found:
    shown = view(node, tx, access_id, viewer=COUNTY.name)
    since = today - timedelta(days=read_figures().history_days)
    records = [(record.kind, record.reference, record.content) for record in shown.records]
    observed = observed_of_records(
        records, on=today, flows=read_flows(tx, one.wallet_id, since=since, until=today)
    )
    signals = signals_of(observed)
    born = shown.fields.get("birth_date")
    guards = _guards(party, records, None if born is None else _years(born, today), signals)
    row = row_of(
        signals,
        age_years=guards.age_years,
        yearly_income_minor=guards.yearly_income_minor,
        existing_debt_minor=guards.existing_debt_minor,
        overdue_minor=guards.overdue_minor,
        overdue_days=guards.overdue_days,
    )
    return row, guards, None


def _years(born: str, today: date) -> int:
    day = date.fromisoformat(born)
    return today.year - day.year - ((today.month, today.day) < (day.month, day.day))


def observed_of_records(records: Iterable[Record], *, on: date, flows: Flows) -> Observed:
    """What signals are made of, out of opened records and the flows of the wallet."""
    invoices, past = [], []
    registered_on: date | None = None
    for kind, _, content in sorted(records, key=lambda one: int(one[1].partition("/")[2])):
        told = {name: str(value) for name, value in content.items() if value is not None}
        if kind == "invoice":
            paid = told.get("paid_on")
            invoices.append(
                Invoice(
                    supplier=int(told["supplier"]),
                    issued_on=date.fromisoformat(told["issued_on"]),
                    due_on=date.fromisoformat(told["due_on"]),
                    paid_on=None if paid is None else date.fromisoformat(paid),
                    amount_minor=int(told["amount_minor"]),
                )
            )
        elif kind == "past_repayment":
            past.append(
                PastInstalment(
                    due_on=date.fromisoformat(told["due_on"]),
                    paid_on=date.fromisoformat(told["paid_on"]),
                    amount_minor=int(told["amount_minor"]),
                )
            )
        elif kind == "registry_fact":
            registered_on = date.fromisoformat(told["registered_on"])
    return Observed(on, flows, tuple(invoices), tuple(past), registered_on)


def _guards(
    party: Party,
    records: Iterable[Record],
    age_years: int | None,
    signals: dict[str, float],
) -> GuardInput:
    """What guards look at, out of declared income and the credit bureau's report."""
    told = {
        name: value
        for kind, _, content in records
        if kind in ("stated_income", "bureau_debt")
        for name, value in content.items()
        if isinstance(value, int)
    }
    return GuardInput(
        is_firm=party.kind == "firm",
        is_identity_verified=party.is_identified,
        is_consent_valid=True,
        age_years=None if party.kind == "firm" else age_years,
        yearly_income_minor=told.get("yearly_income_minor"),
        existing_debt_minor=told.get("debt_minor"),
        overdue_minor=told.get("overdue_minor"),
        overdue_days=told.get("overdue_days"),
        monthly_inflow_minor=monthly_inflow_minor(signals),
    )
