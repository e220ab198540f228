"""What secures a loan from its first day: joint lenders 联合贷, guarantors, premiums 助贷."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.kernel.store import Row
from puhui.lending.desk.loan.stand import hold_guarantors
from puhui.lending.nouns import Product
from puhui.lending.rules.price import premium_share
from puhui.servicing import joint, live, security

MILLION = 1_000_000


def secure(act: Act, row: Row, product: Product, amount_minor: int) -> None:
    """Let joint lenders and guarantors take their parts in a loan, as its product says."""
    if not product.joint and not product.guarantees:
        return
    lenders = [
        (joint.partner_of(act, one.partner), int(one.share * MILLION)) for one in product.joint
    ]
    if lenders:
        loan, upfront = live.take_loan(act.tx, row.id), int(row.upfront_fee_minor)
        joint.join_lenders(act, loan, lenders, upfront_minor=upfront)
    for one in product.guarantees:
        premium = premium_share(amount_minor, one)
        guarantor, share = joint.partner_of(act, one.partner), int(one.share * MILLION)
        security.guarantee_loan(act, row.id, guarantor, share, premium, one.call_after_days)
    if product.guarantees:
        hold_guarantors(act, row.id)
    security.cover_loan(act, row.id)
