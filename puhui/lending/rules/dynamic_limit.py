"""The monthly review of a credit limit 动态额度: conduct moves it, always under every cap."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from puhui.kernel.money import Rounding, round_minor
from puhui.lending.nouns.strategy import Conduct, CreditLimitReview, CreditLimitRules


def review_credit_limit(
    rules: CreditLimitRules,
    conduct: Conduct,
    *,
    credit_minor: int,
    drawn_minor: int,
    cap_minor: int,
    step_minor: int,
    capacity_reason: str | None,
    nudge_reason: str | None = None,
) -> CreditLimitReview:
    """What the credit limit of one person becomes this month. Amounts in minor units.

    ``cap_minor`` is the most that product, score, income and inflow allow together
    (``size_credit``); ``capacity_reason`` is what the guard against over-lending says of the rise
    proposed by ``proposed_rise`` (``check_capacity``), None where it lets it pass. Of the first
    three what lowers most, the first of equals; then in this order:

    - above the cap: down to the cap;
    - late by ``days_past_due_cut`` days or more: down by ``cut_share``;
    - inflow fell by ``inflow_fall_share`` or more, and no cut has counted that fall: down by
      ``cut_share``;
    - months on book, no late day in six months, use of the limit, months since the last change
      or the last no, and a score that is not too old, all as asked, and capacity: up by
      ``rise_share``, under the cap, and only with the person's consent, for a limit nobody asked
      for is an inducement;
    - else it is kept.

    ``nudge_reason`` is what stands against telling the person of credit at all (``nudge``): no
    rise is offered then. A cut never goes below what is drawn: what was
    lent stays lent. The result is cut down to the product's step. Source of the order: this
    project's own policy.
    """
    assert credit_minor >= 0, credit_minor
    assert step_minor > 0, step_minor
    lowered, cuts = _times(credit_minor, 1 - rules.cut_share), []
    if credit_minor > cap_minor:
        cuts.append((cap_minor, "over_cap"))
    if conduct.days_past_due_now >= rules.days_past_due_cut:
        cuts.append((lowered, "late"))
    if _has_fallen(rules, conduct) and not conduct.is_fall_counted:
        cuts.append((lowered, "inflow_fell"))
    if cuts:
        wanted, reason = min(cuts, key=lambda cut: cut[0])
        return _cut(rules, credit_minor, wanted, drawn_minor, step_minor, reason)
    raised = proposed_rise(
        rules, conduct, credit_minor=credit_minor, cap_minor=cap_minor, step_minor=step_minor
    )
    if raised == credit_minor:
        return CreditLimitReview(credit_minor, credit_minor, "kept", 0, False)
    if nudge_reason is not None:
        return CreditLimitReview(credit_minor, credit_minor, nudge_reason, 0, False)
    if capacity_reason is not None:
        return CreditLimitReview(credit_minor, credit_minor, capacity_reason, 0, False)
    return CreditLimitReview(credit_minor, raised, "rise", rules.notice_days_rise, True)


def proposed_rise(
    rules: CreditLimitRules, conduct: Conduct, *, credit_minor: int, cap_minor: int, step_minor: int
) -> int:
    """The credit limit that conduct has earned, before capacity is asked; the old one if none."""
    is_earned = (
        conduct.months_on_book >= rules.months_on_book_min
        and conduct.months_since_change >= rules.months_between_rises
        and conduct.months_since_decision <= rules.months_since_decision_max
        and conduct.days_past_due_max == 0
        and conduct.share_used >= rules.share_used_min
        and not _has_fallen(rules, conduct)
    )
    if not is_earned:
        return credit_minor
    raised = min(cap_minor, _times(credit_minor, 1 + rules.rise_share))
    return max(credit_minor, raised - raised % step_minor)


def months_between(start: date, end: date) -> int:
    """Whole months from one day to a later one; the last day of a month ends every month."""
    months = (end.year - start.year) * 12 + end.month - start.month
    is_last = (end + timedelta(days=1)).day == 1
    return max(0, months - (end.day < start.day and not is_last))


def average_share(used: Iterable[tuple[int, int]]) -> Decimal:
    """The mean share of credit limits that was drawn, from pairs (drawn, limit), each 0..1."""
    shares = [
        min(Decimal(1), Decimal(int(drawn)) / int(credit)) if credit else Decimal(0)
        for drawn, credit in used
    ]
    return sum(shares, Decimal(0)) / len(shares) if shares else Decimal(0)


def _has_fallen(rules: CreditLimitRules, conduct: Conduct) -> bool:
    now, before = conduct.monthly_inflow_minor, conduct.monthly_inflow_before_minor
    if now is None or before is None or before <= 0:
        return False
    return now <= _times(before, 1 - rules.inflow_fall_share)


def _cut(
    rules: CreditLimitRules, before: int, wanted: int, drawn: int, step: int, reason: str
) -> CreditLimitReview:
    whole = max(0, wanted) - max(0, wanted) % step
    after = min(before, max(whole, drawn))
    return CreditLimitReview(
        before, after, reason, rules.notice_days_cut if after < before else 0, False
    )


def _times(amount_minor: int, share: Decimal) -> int:
    return round_minor(amount_minor * share, Rounding.DOWN)
