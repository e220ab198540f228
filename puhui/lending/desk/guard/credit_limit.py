"""The monthly review of credit limits 额度复核: lowered with notice, raised when agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from puhui.kernel.act import Act, use_case
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.kernel.event import day_step
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.lending import tables as lending_tables
from puhui.lending.desk.guard.capacity import capacity_of, known_of
from puhui.lending.desk.guard.conduct import is_fall_counted, last_late, late_lately
from puhui.lending.desk.guard.debt import is_forgotten
from puhui.lending.desk.guard.inflow import inflows_of
from puhui.lending.desk.guard.offer import nudge_of
from puhui.lending.desk.shelf import DECISION
from puhui.lending.formats.credit_limit_rules import load_credit_limit_rules
from puhui.lending.formats.shelf import load_product
from puhui.lending.nouns import Decision, Product
from puhui.lending.nouns.credit_limit import (
    AnswerRise,
    CreditLimitsReviewed,
    ReviewCreditLimits,
    ReviewedLimit,
    RiseAnswered,
)
from puhui.lending.nouns.obligation import Capacity, Leaves
from puhui.lending.nouns.strategy import Conduct
from puhui.lending.rules.capacity import monthly_of, require_capacity
from puhui.lending.rules.credit_limit import size_credit
from puhui.lending.rules.dynamic_limit import (
    average_share,
    months_between,
    proposed_rise,
    review_credit_limit,
)
from puhui.lending.tables import credit_limit as tables
from puhui.lending.tables.capacity import READ_LAST_DECISION
from puhui.party import Party, check_actor, take_parties, take_party

CHUNK = 200
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class _Before:
    """What a review starts from: the limit in force, the cap, and what the last reviews saw."""

    credit_minor: int
    cap_minor: int
    decided_on: date
    last_change: date | None
    shares_used: tuple[Decimal, ...]


def take_borrowers(act: Act, input: ReviewCreditLimits) -> ReviewCreditLimits | None:
    """The borrowers, kept from being erased; None where one that still lives has no key any more:
    the act runs again, and what it read then is gone.
    """
    found = act.kept["parties"] = take_parties(act, sorted(input.party_ids))
    living = [party for party in found.values() if not party.is_erased]
    return None if any(is_forgotten(act, party) for party in living) else input


@use_case("lending.review_credit_limits", roles=("system", "operator"), batch="party_ids",
          recompute=take_borrowers)  # fmt: skip
def review_credit_limits(act: Act, input: ReviewCreditLimits) -> CreditLimitsReviewed:
    """Review the credit limits of borrowers for a month, once each whatever is asked.

    Reads how loans were repaid and drawn, and, where the person consented, what came into the
    wallet. A lower limit counts from the day its notice ends; a higher one is offered, only where
    capacity carries it, and counts once the person agrees. Either is told of by an event. Debts
    elsewhere are opened under the purpose ``debt_check``.
    """
    month = f"{input.day:%Y-%m}"
    recorded = None if act.recorded is None else {_of(one): one for one in act.recorded.reviewed}
    done: list[ReviewedLimit] = []
    for party_id in input.party_ids:
        party = act.kept["parties"].get(party_id)
        if party is None or party.is_erased:
            continue
        act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=party_id, decisions=0)
        running = act.tx.all(tables.READ_DRAWN, party_id=party_id)
        for drawn in running:
            before = tuple(
                act.tx.all(tables.READ_CHANGES, party_id=party_id, product=drawn.product, count=4)
            )
            if before and before[0].month >= month:
                continue
            found = _review(act, party, drawn, before, input.day, running)
            if recorded is not None:
                found = recorded.get((party_id, drawn.product))
            if found is not None:
                _record(act, found, drawn.currency, input.day)
                done.append(found)
    return CreditLimitsReviewed(tuple(done))


def _of(one: ReviewedLimit) -> tuple[str, str]:
    return one.party_id, one.product


def _review(
    act: Act, party: Party, drawn: Row, changes: tuple[Row, ...], day: date,
    running: Sequence[Row],
) -> ReviewedLimit | None:  # fmt: skip
    """What the review of one product's limit says; None where no decision gave a limit.

    Being late with any product that is ``running`` stops a rise; a cut is of the product that is
    late. It reads and looks the same way whether or not the act runs again.
    """
    rules, product = load_credit_limit_rules(), load_product(drawn.product)
    late_now = max(one.days_past_due for one in running)
    inflow, inflow_before = inflows_of(act, party, drawn.currency, day)
    left = None if inflow is None else (inflow, _owed_by_others(drawn, running))
    start = _start(act, party, product, drawn, changes, left)
    credit = drawn.drawn_minor if start is None else start.credit_minor
    conduct = Conduct(
        months_on_book=months_between(date.fromisoformat(drawn.started_on), day),
        months_since_change=_months_since(start, drawn, day),
        days_past_due_now=drawn.days_past_due,
        days_past_due_max=max(late_now, late_lately(act, party.id, day)),
        share_used=_share_used(start, drawn),
        monthly_inflow_minor=inflow,
        monthly_inflow_before_minor=inflow_before,
        months_since_decision=0 if start is None else months_between(start.decided_on, day),
        is_fall_counted=is_fall_counted(changes, day),
    )
    if drawn.days_past_due:
        act.tx.put(
            tables.PUT_LATE, party_id=party.id, product=drawn.product, late_on=day.isoformat()
        )
    cap = credit if start is None else start.cap_minor
    raised = proposed_rise(
        rules, conduct, credit_minor=credit, cap_minor=cap, step_minor=product.step_minor
    )
    reason = _capacity(act, party, product, drawn.drawn_minor, raised).reason
    if start is None or act.recorded is not None:
        return None
    found = review_credit_limit(
        rules,
        conduct,
        credit_minor=credit,
        drawn_minor=drawn.drawn_minor,
        cap_minor=cap,
        step_minor=product.step_minor,
        capacity_reason=reason,
        nudge_reason=nudge_of(act, party.id),
    )
    return ReviewedLimit(
        party.id,
        drawn.product,
        found.before_minor,
        found.after_minor,
        int(drawn.drawn_minor),
        found.reason,
        found.notice_days,
        found.needs_consent,
    )


def _start(
    act: Act, party: Party, product: Product, drawn: Row, changes: tuple[Row, ...],
    inflow: tuple[int, int] | None,
) -> _Before | None:  # fmt: skip
    """The limit in force (else the one that the last approval sized), and the cap as of today.

    Income bounds it as at the decision; ``inflow`` a month, less what other products take of it,
    only where it did then and is known now. What an approval sized came on top of what the product
    had lent before.
    """
    decided = act.tx.one(tables.READ_LAST_APPROVED, party_id=party.id, product=product.name)
    if decided is None or decided.decision == "null" or decided.points is None:
        return None
    decision = DECISION.validate_json(decided.decision)
    sized = decision.credit_limit
    held = act.tx.one(tables.READ_LIMIT, party_id=party.id, product=product.name)
    credit = sized.amount_minor if held is None else int(held.credit_limit_minor)
    cut = act.tx.one(
        tables.READ_CUT, party_id=party.id, product=product.name, day=act.today.isoformat()
    )
    credit = credit if cut is None else int(cut.after_minor)
    income, declared = known_of(decided.decision)
    takes, others = inflow if inflow and "inflow" in dict(sized.steps) else (None, 0)
    cap = size_credit(
        product,
        decided.points,
        yearly_income_minor=income,
        other_debt_minor=declared,
        monthly_inflow_minor=takes,
        owed_here_minor=others,
    )
    if held is None and cut is None:
        credit = max(credit, min(credit + _lent_then(decision), cap.amount_minor))
    moved = [one for one in changes if one.status in ("lowered", "agreed", "declined")]
    return _Before(
        credit,
        cap.amount_minor,
        business_date(decided.decided_us),
        date.fromisoformat(moved[0].counts_from) if moved else None,
        tuple(average_share(((one.drawn_minor, one.before_minor),)) for one in changes[:2]),
    )


def _owed_by_others(drawn: Row, running: Sequence[Row]) -> int:
    """What is owed by other products in the same currency."""
    return sum(
        int(one.drawn_minor)
        for one in running
        if one.currency == drawn.currency and one.product != drawn.product
    )


def _lent_then(decision: Decision) -> int:
    """What the product had lent or promised when a limit was sized."""
    found = {name: minor for one in decision.guards for name, minor in one.facts}
    return found.get("exposure_minor", 0)


def _months_since(start: _Before | None, drawn: Row, day: date) -> int:
    since = date.fromisoformat(drawn.started_on)
    if start is not None and start.last_change is not None:
        since = start.last_change
    return months_between(since, day)


def _share_used(start: _Before | None, drawn: Row) -> Decimal:
    """The share of the limit that was drawn, on average over this review and the two before."""
    if start is None:
        return Decimal(0)
    now = average_share(((drawn.drawn_minor, start.credit_minor),))
    shares = (now, *start.shares_used)
    return sum(shares, Decimal(0)) / len(shares)


def _capacity(
    act: Act, party: Party, product: Product, drawn_minor: int, raised_minor: int
) -> Capacity:
    """Whether the person could carry it, were the whole of a higher limit drawn."""
    decided = act.tx.one(READ_LAST_DECISION, party_id=party.id, currency=product.currency)
    more = max(0, raised_minor - drawn_minor)
    months = product.default_term_months
    return capacity_of(
        act,
        party,
        product=product.name,
        currency=product.currency,
        wanted_minor=more,
        wanted_monthly_minor=monthly_of(more, months, product.pricing.rate_max),
        known=None if decided is None else decided.decision,
        leaves=Leaves.CREDIT_LIMIT,
    )


def _record(act: Act, found: ReviewedLimit, currency: str, day: date) -> None:
    """Keep a review and tell of a change; older offers lapse.

    Notice runs from the day on which the person is told, however late a day is made up. Until
    the notice of a lower limit ends, the one before stays in force.
    """
    act.tx.put(tables.LAPSE_OFFERED, party_id_=found.party_id, product_=found.product)
    status = "kept"
    if found.after_minor != found.before_minor:
        status = "offered" if found.needs_consent else "lowered"
    counts_from = max(day, act.today) + timedelta(days=1 + found.notice_days)
    change_id = act.new_id("limit_change")
    act.tx.put(
        tables.INSERT_CHANGE,
        id=change_id,
        party_id=found.party_id,
        product=found.product,
        currency=currency,
        month=f"{day:%Y-%m}",
        before_minor=found.before_minor,
        after_minor=found.after_minor,
        drawn_minor=found.drawn_minor,
        reason=found.reason,
        status=status,
        reviewed_us=act.now_us,
        counts_from=counts_from.isoformat(),
        answered_by=None,
        answered_us=None,
    )
    if status == "kept":
        return
    payload = {
        "change": change_id,
        "product": found.product,
        "currency": currency,
        "before_minor": found.before_minor,
        "after_minor": found.after_minor,
        "reason": found.reason,
        "counts_from": counts_from.isoformat(),
    }
    if status == "lowered":
        put_limit(act, found.party_id, found.product, currency, found.before_minor)
        act.emit("lending.credit_limit_lowered", found.party_id, payload)
    else:
        act.emit("lending.credit_limit_rise_offered", found.party_id, payload)


def put_limit(act: Act, party_id: str, product: str, currency: str, credit_minor: int) -> None:
    """Put the most in force that a person may owe by a product, minor units."""
    act.tx.put(
        tables.PUT_CREDIT_LIMIT,
        party_id=party_id,
        product=product,
        currency=currency,
        credit_limit_minor=credit_minor,
        set_us=act.now_us,
    )


def take_change(act: Act, input: AnswerRise) -> AnswerRise | None:
    """The change with its person, locked; None where what was looked at then is gone.

    The person's row comes first, as in a review, so that neither waits for the other.
    Refused: ``lending.no_rise``, ``party.not_yours``, ``party.erased``.
    """
    found = act.tx.one(tables.READ_CHANGE_OF, id=input.change_id)
    row = None
    if found is not None:
        check_actor(act.tx, act.actor, acts_for=found.party_id)
        act.tx.put(lending_tables.LOCK_OBLIGOR, party_id=found.party_id, decisions=0)
        row = act.tx.one(tables.LOCK_CHANGE, id=input.change_id)
    if row is None:
        raise Refused("lending.no_rise", "No higher credit limit is offered to you here.")
    party = take_party(act, row.party_id)
    act.kept["change"], act.kept["party"] = row, party
    return None if is_forgotten(act, party) else input


@use_case("lending.answer_rise", roles=("customer",), api=True,
          recompute=take_change)  # fmt: skip
def answer_rise(act: Act, input: AnswerRise) -> RiseAnswered:
    """Agree to a higher credit limit that was offered, or decline it; it never rises of itself.

    Nobody but the person answers. What came up since the offer counts too: other debts, and to
    have been late. Refused: ``lending.no_rise``, ``lending.rise_over``,
    ``lending.over_capacity``, ``lending.own_limit_reached``, ``lending.income_unknown``,
    ``party.not_yours``, ``party.erased``.
    """
    row: Row = act.kept["change"]
    if row.status != "offered":
        raise Refused("lending.no_rise", "No higher credit limit is offered to you here.")
    status, credit = "declined", row.before_minor
    if input.is_agreed:
        days = load_credit_limit_rules().rise_offer_days
        if act.now_us > row.reviewed_us + days * DAY_US:
            raise Refused("lending.rise_over", f"The offer stood for {days} days.")
        product = load_product(row.product)
        running = act.tx.all(tables.READ_DRAWN, party_id=row.party_id)
        offered_on = business_date(row.reviewed_us).isoformat()
        late_now = any(one.days_past_due for one in running)
        if late_now or last_late(act, row.party_id) > offered_on:
            raise Refused("lending.rise_over", "An instalment is or was late since the offer.")
        drawn = sum(one.drawn_minor for one in running if one.product == row.product)
        party: Party = act.kept["party"]
        require_capacity(_capacity(act, party, product, drawn, row.after_minor))
        status, credit = "agreed", row.after_minor
        put_limit(act, row.party_id, row.product, row.currency, credit)
        payload = {"change": row.id, "product": row.product, "credit_limit_minor": credit}
        act.emit("lending.credit_limit_raised", row.party_id, payload)
    act.tx.put(
        tables.ANSWER_CHANGE,
        id_=row.id,
        status_=status,
        answered_by_=act.actor,
        answered_us_=act.now_us,
        counts_from_=act.today.isoformat(),
    )
    return RiseAnswered(row.id, row.product, row.currency, credit, status)


def review_chunks(node: Node, day: date) -> list[ReviewCreditLimits]:
    """On the last day of a month all who owe by a running loan, in chunks."""
    if (day + timedelta(days=1)).day != 1:
        return []
    with node.read() as tx:
        ids = [row.party_id for row in tx.all(tables.READ_BORROWERS)]
    return [
        ReviewCreditLimits(day, tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK)
    ]


day_step(375, "lending.review_credit_limits", review_chunks)
