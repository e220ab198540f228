"""What devices decide without a network: the next voucher, and whether to take one.

Signatures are checked by whoever calls; everything else of a paper is checked here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from puhui.kernel.errors import Refused
from puhui.offline.nouns import (
    Allowance,
    OfflineVoucher,
    Payment,
    Purse,
    Request,
    RevocationList,
)

SECOND_US = 1_000_000


def open_purse(allowance: Allowance) -> Purse:
    """The purse of a fresh allowance: its chain begins with the allowance itself."""
    return Purse(allowance, 0, 0, allowance.digest)


def next_voucher(purse: Purse, request: Request, *, now_us: int) -> OfflineVoucher:
    """The voucher, still unsigned, that pays ``request`` out of ``purse``.

    Refused: ``offline.wrong_currency``, ``offline.not_yet``, ``offline.expired``,
    ``offline.bad_amount``, ``offline.over_single``, ``offline.over_count``,
    ``offline.over_allowance``.
    """
    allowance = purse.allowance
    if request.currency != allowance.currency:
        raise Refused("offline.wrong_currency", f"This wallet pays in {allowance.currency}.")
    voucher = OfflineVoucher(
        allowance_id=allowance.id,
        payee_account_id=request.payee_account_id,
        amount_minor=request.amount_minor,
        counter=purse.counter + 1,
        spent_before_minor=purse.spent_minor,
        previous=purse.previous,
        nonce=request.nonce,
        time_us=now_us,
    )
    check_terms(allowance, voucher)
    return voucher


def spent_purse(purse: Purse, voucher: OfflineVoucher) -> Purse:
    """The purse once ``voucher`` (signed) was made out of it."""
    assert voucher.counter == purse.counter + 1, voucher.counter
    assert voucher.previous == purse.previous
    assert voucher.digest
    spent_minor = purse.spent_minor + voucher.amount_minor
    return replace(purse, counter=voucher.counter, spent_minor=spent_minor, previous=voucher.digest)


def check_terms(allowance: Allowance, voucher: OfflineVoucher) -> None:
    """Whether a voucher keeps within its allowance, by itself: the same for device and node.

    Refused: ``offline.wrong_allowance``, ``offline.bad_amount``, ``offline.over_single``,
    ``offline.over_count``, ``offline.over_allowance``, ``offline.broken_chain``,
    ``offline.not_yet``, ``offline.expired``.
    """
    if voucher.allowance_id != allowance.id:
        raise Refused("offline.wrong_allowance", "The voucher rests on another allowance.")
    if voucher.amount_minor < 1:
        raise Refused("offline.bad_amount", "A voucher pays at least one minor unit.")
    if voucher.amount_minor > allowance.single_cap_minor:
        raise Refused("offline.over_single", "This is more than one voucher may pay.")
    if not 1 <= voucher.counter <= allowance.count_max:
        raise Refused("offline.over_count", "The allowance has no voucher of this number.")
    if voucher.spent_before_minor + voucher.amount_minor > allowance.allowance_limit_minor:
        raise Refused("offline.over_allowance", "This is more than is left of the allowance.")
    is_first = voucher.counter == 1
    if is_first and (voucher.previous != allowance.digest or voucher.spent_before_minor):
        raise Refused("offline.broken_chain", "The first voucher does not follow its allowance.")
    if voucher.spent_before_minor < voucher.counter - 1:
        raise Refused("offline.broken_chain", "The vouchers before it would have paid nothing.")
    tolerance_us = allowance.clock_tolerance_s * SECOND_US
    if voucher.time_us < allowance.issued_us - tolerance_us:
        raise Refused("offline.not_yet", "The voucher is older than its allowance; check clocks.")
    if voucher.time_us > allowance.expires_us + tolerance_us:
        raise Refused("offline.expired", "The allowance had ended when the voucher was made.")


def check_acceptance(
    payment: Payment,
    request: Request,
    *,
    now_us: int,
    revoked: RevocationList | None,
    held: Iterable[OfflineVoucher],
) -> None:
    """Whether a payee takes a payment, by what the device knows without a network.

    ``now_us`` is the payee's clock, ``held`` the vouchers that it took earlier. The sum spent is
    what the payer's wallet signed; a false sum is found when vouchers meet. Refused:
    ``offline.wrong_payee``, ``offline.wrong_currency``, ``offline.wrong_amount``,
    ``offline.wrong_nonce``, ``offline.wallet_revoked``, ``offline.not_yet``, ``offline.expired``,
    ``offline.clock_off``, ``offline.double_spent``, ``offline.broken_chain``, and those of
    ``check_terms``.
    """
    allowance, voucher = payment.allowance, payment.voucher
    if voucher.payee_account_id != request.payee_account_id:
        raise Refused("offline.wrong_payee", "This pays somebody else.")
    if allowance.currency != request.currency:
        raise Refused("offline.wrong_currency", f"This pays {allowance.currency}.")
    if voucher.amount_minor != request.amount_minor:
        raise Refused("offline.wrong_amount", "This pays another amount than was asked for.")
    if voucher.nonce != request.nonce:
        raise Refused("offline.wrong_nonce", "This answers another request: it may be a copy.")
    check_terms(allowance, voucher)
    if revoked is not None and revoked.covers(allowance):
        raise Refused("offline.wallet_revoked", "The operator has taken this wallet back.")
    tolerance_us = allowance.clock_tolerance_s * SECOND_US
    if now_us < allowance.issued_us - tolerance_us:
        raise Refused("offline.not_yet", "The allowance is from the future; check the clock.")
    if now_us > allowance.expires_us + tolerance_us:
        raise Refused("offline.expired", "The allowance has ended.")
    if abs(voucher.time_us - now_us) > tolerance_us:
        raise Refused("offline.clock_off", "The two clocks are too far apart; set them.")
    for other in held:
        if other.allowance_id == allowance.id:
            _check_beside(voucher, other)


def _check_beside(voucher: OfflineVoucher, other: OfflineVoucher) -> None:
    """Whether two vouchers of one allowance can both be honest."""
    if other.counter == voucher.counter:
        raise Refused("offline.double_spent", "This wallet has spent the same money here before.")
    first, second = sorted((voucher, other), key=lambda one: one.counter)
    if second.spent_before_minor < first.spent_before_minor + first.amount_minor:
        raise Refused("offline.broken_chain", "The wallet has left out what it spent here before.")
    if second.counter == first.counter + 1 and second.previous != first.digest:
        raise Refused("offline.double_spent", "This wallet's vouchers do not follow one another.")


def check_list(revoked: RevocationList, held: RevocationList | None) -> None:
    """Whether a list of revocations may take the place of the one held.

    Refused: ``offline.old_list`` where it is older.
    """
    if held is not None and revoked.issued_us < held.issued_us:
        raise Refused("offline.old_list", "A newer list of revocations is held already.")
