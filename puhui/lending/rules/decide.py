"""Decisions 审批: from guards, score, price and credit limit to approved, refused or review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import MINOR_MAX, Rounding, round_minor
from puhui.lending.nouns import (
    CreditLimit,
    CutOff,
    Decision,
    DecisionOutcome,
    Earning,
    FeeKind,
    Frequency,
    GuardResult,
    Interest,
    Law,
    Offer,
    PriceBuild,
    Product,
    ReasonBook,
    Request,
    ScoreFacts,
)
from puhui.lending.rules.credit_limit import size_credit
from puhui.lending.rules.plan import in_rhythm, periods_of, plan_of
from puhui.lending.rules.price import apr_max, build_price, is_above, pd_decimal, premium_of
from puhui.lending.rules.profit import expect
from puhui.servicing import build_schedule, cost

REASONS = (
    "score_below_cut_off",
    "near_cut_off",
    "price_over_cap",
    "apr_over_cap",
    "credit_limit_below_smallest",
    "wanted_below_smallest",
)
"""Every reason a decision can give beside those of the guards."""


WIDEST = Decimal("1.05")
"""By so much at most a day count or a rounding moves the apr of a plain loan above its rate."""

DUE_DAY_MAX = 28
"""The last day that every month has."""


def check_request(request: Request, product: Product) -> None:
    """Stop what the product does not offer at all.

    Refused: ``lending.bad_amount``, ``lending.bad_term``, ``lending.bad_method``,
    ``lending.bad_due_day``, ``lending.bad_rhythm``.
    """
    if not 0 < request.wanted_minor < MINOR_MAX:
        raise Refused("lending.bad_amount", "This is no amount that anybody can ask for.")
    if request.term_months not in product.terms_months:
        offered = ", ".join(str(months) for months in product.terms_months)
        raise Refused("lending.bad_term", f"{product.name} is lent for {offered} months.")
    if product.day_count(request.method) is None:
        raise Refused(
            "lending.bad_method", f"{product.name} is not repaid by {request.method.value}."
        )
    schedule = in_rhythm(product.schedule, request.rhythm)
    if request.rhythm is not None and (
        request.rhythm not in schedule.rhythms or periods_of(schedule, request.term_months) is None
    ):
        raise Refused("lending.bad_rhythm", "The product is not repaid so often over this term.")
    if request.due_day is None:
        return
    is_free = schedule.chooses_due_day and schedule.frequency is Frequency.MONTHS
    if not is_free or not 1 <= request.due_day <= DUE_DAY_MAX:
        raise Refused(
            "lending.bad_due_day", f"A due day is 1 to {DUE_DAY_MAX}, where one may be chosen."
        )


def decide(
    request: Request,
    score: ScoreFacts,
    guards: tuple[GuardResult, ...],
    product: Product,
    law: Law,
    *,
    yearly_income_minor: int | None = None,
    other_debt_minor: int | None = None,
    monthly_inflow_minor: int | None = None,
    lent_minor: int = 0,
    owed_here_minor: int = 0,
    cut_off: CutOff | None = None,
) -> Decision:
    """Decide one application.

    Refused by any failed guard that refuses, by a pd above the cut-off, by a needed price above
    the cap of product or law, by an apr with fees and premiums above theirs, or where the
    credit limit or the
    amount asked for is below the product's smallest amount. Otherwise a person decides
    when a failed guard asks for one or the pd lies within the cut-off's ``review_share``; else it
    is approved. The offer is the amount asked for, cut to the credit limit (``is_capped``).
    ``cut_off`` replaces the product's where one was trained.
    Refused: those of ``check_request``, ``lending.no_legal_cap``.
    """
    check_request(request, product)
    credit_limit = size_credit(
        product,
        score.score,
        yearly_income_minor=yearly_income_minor,
        other_debt_minor=other_debt_minor,
        monthly_inflow_minor=monthly_inflow_minor,
        lent_minor=lent_minor,
        owed_here_minor=owed_here_minor,
    )
    price = build_price(product, law, score.pd, request.on)
    asks = [result.reason for result in guards if result.reason and result.asks_person]
    stops = [result.reason for result in guards if result.reason and not result.asks_person]
    verdict = _verdict_by_pd(score.pd, cut_off or product.cut_off)
    if verdict is DecisionOutcome.REFUSED:
        stops.append("score_below_cut_off")
    elif verdict is DecisionOutcome.REVIEW:
        asks.append("near_cut_off")
    offer = _make_offer(request, product, credit_limit, price)
    if not price.is_within_cap:
        stops.append("price_over_cap")
        offer = None
    elif offer and is_over_apr(offer, product, law, request.on):
        stops.append("apr_over_cap")
        offer = None
    if request.wanted_minor < product.smallest_minor:
        stops.append("wanted_below_smallest")
    elif credit_limit.amount_minor < product.smallest_minor:
        stops.append("credit_limit_below_smallest")
    outcome = DecisionOutcome.APPROVED
    if stops:
        outcome, offer = DecisionOutcome.REFUSED, None
    elif asks:
        outcome = DecisionOutcome.REVIEW
    return Decision(
        outcome,
        (*stops, *asks),
        score.reasons,
        guards,
        price,
        credit_limit,
        offer,
        _expect(offer, product, score.pd) if offer else None,
    )


def _expect(offer: Offer, product: Product, pd: float) -> Earning:
    return expect(
        product.pricing,
        offer.method,
        principal_minor=offer.principal_minor,
        annual_rate=offer.annual_rate,
        term_months=offer.term_months,
        pd=pd,
    )


def _verdict_by_pd(pd: float, cut_off: CutOff) -> DecisionOutcome:
    """Where the pd lies: below, within or above the band around the cut-off."""
    known = pd_decimal(pd)
    band = cut_off.pd_max * cut_off.review_share
    if known > cut_off.pd_max + band:
        return DecisionOutcome.REFUSED
    if band and known >= cut_off.pd_max - band:
        return DecisionOutcome.REVIEW
    return DecisionOutcome.APPROVED


def _make_offer(
    request: Request, product: Product, credit_limit: CreditLimit, price: PriceBuild
) -> Offer | None:
    """The amount asked for, or what the credit limit leaves; None below the smallest amount."""
    amount = min(request.wanted_minor, credit_limit.amount_minor)
    if amount < product.smallest_minor:
        return None
    fee = upfront_fee(product, amount)
    return Offer(
        amount,
        product.currency,
        price.annual_rate,
        request.term_months,
        request.method,
        fee,
        is_capped=amount < request.wanted_minor,
        due_day=request.due_day,
        rhythm=request.rhythm,
    )


def upfront_fee(product: Product, amount_minor: int) -> int:
    """What a product keeps back of an amount at first, minor units, rounded half up."""
    fee_minor, fee_share = product.fee(FeeKind.UP_FRONT)
    share = product.pricing.upfront_fee_share + fee_share
    return fee_minor + round_minor(amount_minor * share, Rounding.HALF_UP)


def is_over_apr(offer: Offer, product: Product, law: Law, on: date) -> bool:
    """Whether the apr, with its fees and the premiums of guarantors, is above law's or product's.

    Of a plain loan without a fee whose rate lies well below, the rate says it all.
    """
    plan = plan_of(offer, product)
    charges = offer.upfront_fee_minor + premium_of(product, offer.principal_minor)
    is_plain = plan.interest is Interest.DECLINING and plan.anchor_day is None
    most = apr_max(product, law, on)
    is_far = offer.annual_rate * WIDEST <= most
    if is_plain and is_far and not (charges or plan.fee_minor or plan.fee_share):
        return False
    if charges >= offer.principal_minor:
        return True
    schedule = build_schedule(plan, offer.principal_minor, on)
    return is_above(cost(plan, schedule, charges).apr, most)


def strike(decision: Decision, wanted_minor: int) -> Decision:
    """What is left of a decision on a person who was erased: outcome, reasons, and the offer.

    Nothing that was read of the person, and nothing that follows from the score, stays; it is
    the same as what the recorded outcome alone tells.
    """
    rate = decision.offer.annual_rate if decision.offer else Decimal(0)
    return Decision(
        decision.outcome,
        decision.reasons,
        (),
        (),
        PriceBuild((), rate, rate, rate, ""),
        CreditLimit(wanted_minor, "", ()),
        decision.offer,
        None,
    )


def explain(reasons: Sequence[str], book: ReasonBook, language: str) -> tuple[tuple[str, str], ...]:
    """Each reason in plain words with what would change it, in "zh" or "en"."""
    texts = [book.text(code) for code in reasons]
    if language == "zh":
        return tuple((text.reason_zh, text.change_zh) for text in texts)
    return tuple((text.reason_en, text.change_en) for text in texts)
