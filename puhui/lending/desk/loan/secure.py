"""What comes with a loan on its first day: its fee, joint lenders 联合贷, guarantors 助贷."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.kernel.store import Row
from puhui.lending.desk.loan.stand import hold_guarantors
from puhui.lending.nouns import Product
from puhui.lending.rules.price import interest_fee, premium_share
from puhui.payment import own_account, wallet_account
from puhui.servicing import joint, live, security

MILLION = 1_000_000
Part = tuple[int, int, int, str]


def deferred_of(row: Row, product: Product) -> int:
    """What of a contract's fee at first is part of its interest, minor units."""
    return interest_fee(product, int(row.principal_minor), int(row.upfront_fee_minor))


def keep_back(row: Row, product: Product) -> list[Part]:
    """What is taken of the money paid out: a fee for a service is income at once, one that is part
    of the interest is earned over the life of the loan."""
    wallet, deferred = wallet_account(row.party_id, row.currency), deferred_of(row, product)
    at_once = int(row.upfront_fee_minor) - deferred
    parts = [
        (wallet, own_account("deferred_fee", row.currency), deferred, "fee"),
        (wallet, own_account("fee_income", row.currency), at_once, "fee"),
    ]
    return [part for part in parts if part[2]]


def secure(act: Act, row: Row, product: Product, amount_minor: int) -> None:
    """Let joint lenders and guarantors take their parts in a loan, as its product says, and keep
    what of its fee is ours and not earned yet."""
    _share(act, row, product, amount_minor)
    live.defer_fee(act, row.id, deferred_of(row, product))


def _share(act: Act, row: Row, product: Product, amount_minor: int) -> None:
    if not product.joint and not product.guarantees:
        return
    lenders = [
        (joint.partner_of(act, one.partner), int(one.share * MILLION)) for one in product.joint
    ]
    if lenders:
        loan, upfront = live.take_loan(act.tx, row.id), int(row.upfront_fee_minor)
        deferred = deferred_of(row, product)
        joint.join_lenders(act, loan, lenders, upfront_minor=upfront, deferred_minor=deferred)
    for one in product.guarantees:
        premium = premium_share(amount_minor, one)
        guarantor, share = joint.partner_of(act, one.partner), int(one.share * MILLION)
        security.guarantee_loan(act, row.id, guarantor, share, premium, one.call_after_days)
    if product.guarantees:
        hold_guarantors(act, row.id)
    security.cover_loan(act, row.id)
