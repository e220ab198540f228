"""Early repayment 提前还款: fees, interest to the day, then principal; the rest laid out anew."""

from __future__ import annotations

from dataclasses import replace

from puhui.servicing.nouns import AllocationLine, InstalmentState, LoanState, Part, Timing
from puhui.servicing.rules.accrue import balance_ahead, current_index, interest_until
from puhui.servicing.rules.period import factors
from puhui.servicing.rules.schedule import lay_out

Paid = tuple[LoanState, list[AllocationLine], int]
"""The loan after it, what went where, and the money left over."""


def pay_in_advance(state: LoanState, amount_minor: int) -> Paid:
    """Use ``amount_minor`` on what is not due yet; everything due must be paid already.

    Interest is charged to the day, no longer; principal repaid early lowers the balance from that
    day, and the instalments ahead keep their due days and become smaller, by the loan's method.
    Nothing is charged for repaying early.
    """
    index = current_index(state)
    if index is None:
        return state, [], amount_minor
    state, lines, rest = _pay_fees(state, index, amount_minor)
    row = state.instalments[index]
    accrued = interest_until(state, index)
    interest = min(rest, max(0, accrued - row.interest_paid_minor))
    ahead = balance_ahead(state, index)
    is_interest_paid = row.interest_paid_minor + interest >= accrued
    principal = min(rest - interest, ahead) if is_interest_paid else 0
    if interest:
        lines.append(AllocationLine(row.number, Timing.IN_ADVANCE, Part.INTEREST, interest))
        row = replace(row, interest_paid_minor=row.interest_paid_minor + interest)
        state = _with_row(state, index, row)
    if principal:
        lines.append(AllocationLine(row.number, Timing.IN_ADVANCE, Part.PRINCIPAL, principal))
        state = _lay_out_anew(state, index, accrued, principal, ahead - principal)
    return state, lines, rest - interest - principal


def _with_row(state: LoanState, index: int, row: InstalmentState) -> LoanState:
    rows = list(state.instalments)
    rows[index] = row
    return replace(state, instalments=tuple(rows))


def _pay_fees(state: LoanState, index: int, amount_minor: int) -> Paid:
    """Pay fees of instalments that are not due yet."""
    rows = list(state.instalments)
    lines: list[AllocationLine] = []
    rest = amount_minor
    for place in range(index, len(rows)):
        row = rows[place]
        taken = min(rest, row.fee_due_minor - row.fee_paid_minor)
        if taken > 0:
            lines.append(AllocationLine(row.number, Timing.IN_ADVANCE, Part.FEE, taken))
            rows[place] = replace(row, fee_paid_minor=row.fee_paid_minor + taken)
            rest -= taken
    return replace(state, instalments=tuple(rows)), lines, rest


def _lay_out_anew(
    state: LoanState, index: int, accrued: int, principal: int, balance: int
) -> LoanState:
    """Plan ``balance`` over the due days ahead; the running period counts only its days left."""
    rows = list(state.instalments)
    row = rows[index]
    numerators, denominator = factors(state.terms, tuple(item.due_on for item in rows))
    length, left = (row.due_on - row.starts_on).days, (row.due_on - state.on).days
    ahead = [numerators[index] * left]
    ahead += [numerator * length for numerator in numerators[index + 1 :]]
    parts, interests = lay_out(
        state.terms.method, balance, ahead, denominator * length, state.terms.rounding
    )
    paid = row.principal_paid_minor + principal
    rows[index] = replace(
        row,
        principal_due_minor=paid + parts[0],
        principal_paid_minor=paid,
        interest_due_minor=accrued + interests[0],
        counted_until=state.on,
    )
    for place, part, interest in zip(
        range(index + 1, len(rows)), parts[1:], interests[1:], strict=True
    ):
        rows[place] = replace(rows[place], principal_due_minor=part, interest_due_minor=interest)
    return replace(state, instalments=tuple(rows))
