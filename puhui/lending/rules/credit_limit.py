"""Credit limits 授信额度: how much a person can carry, whatever is asked for."""

from __future__ import annotations

from decimal import Decimal

from puhui.kernel.money import Rounding, round_minor
from puhui.lending.nouns import CreditLimit, Product


def size_credit(
    product: Product,
    score: int,
    *,
    yearly_income_minor: int | None = None,
    other_debt_minor: int | None = None,
    monthly_inflow_minor: int | None = None,
    lent_minor: int = 0,
    owed_here_minor: int = 0,
) -> CreditLimit:
    """The largest amount to offer, the lowest of the bounds that can be worked out.

    ``product``: its largest amount. ``score``: that amount times the share of the score's band,
    less what the product has lent or promised to the person (``lent_minor``). ``income``: income
    multiple x yearly income less all other credit (no other credit known counts as none).
    ``inflow``: inflow multiple x average monthly inflow, less all that is owed here
    (``owed_here_minor``), for takings repay one loan or another. So two applications are given no
    more than one. The result is cut down to the
    product's step and may be 0; below the product's smallest amount nothing can be offered.
    """
    steps = [("product", product.largest_minor)]
    sizing = product.sizing
    for score_min, share in sizing.score_shares:
        if score >= score_min:
            whole = _times(product.largest_minor, share)
            steps.append(("score", max(0, whole - lent_minor)))
            break
    else:
        if sizing.score_shares:
            steps.append(("score", 0))
    if sizing.income_multiple is not None and yearly_income_minor is not None:
        carried = _times(yearly_income_minor, sizing.income_multiple)
        steps.append(("income", max(0, carried - (other_debt_minor or 0))))
    if sizing.inflow_multiple is not None and monthly_inflow_minor is not None:
        taken_in = _times(max(0, monthly_inflow_minor), sizing.inflow_multiple)
        steps.append(("inflow", max(0, taken_in - owed_here_minor)))
    bound_by, amount = min(steps, key=lambda step: step[1])
    return CreditLimit(amount - amount % product.step_minor, bound_by, tuple(steps))


def _times(amount_minor: int, multiple: Decimal) -> int:
    return round_minor(amount_minor * multiple, Rounding.DOWN)
