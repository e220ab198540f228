"""What a used id answers: the same content again, or what differs first."""

from __future__ import annotations

from dataclasses import replace

from puhui.ledger.nouns import AMOUNT_ALL, Status, Transfer


def judge_repeat(t: Transfer, found: Transfer, pending: Transfer | None) -> Status:
    """Say whether ``t`` says the same as ``found``, which has its id.

    ``pending`` is the transfer that ``found`` posted or voided. A balancing transfer repeats
    itself with any amount from the one that was moved, as balances have changed since.
    """
    if t.flags != found.flags:
        return Status.EXISTS_WITH_DIFFERENT_FLAGS
    if t.pending_id != found.pending_id:
        return Status.EXISTS_WITH_DIFFERENT_PENDING_ID
    if t.timeout_s != found.timeout_s:
        return Status.EXISTS_WITH_DIFFERENT_TIMEOUT
    if pending is not None:
        return _same_content(_inherit(t, pending), found)
    is_balancing = t.flags & (Transfer.BALANCING_DEBIT | Transfer.BALANCING_CREDIT)
    if is_balancing and t.amount_minor >= found.amount_minor:
        return _same_content(replace(t, amount_minor=found.amount_minor), found)
    return _same_content(t, found)


def _inherit(t: Transfer, p: Transfer) -> Transfer:
    """Fill what a post or a void leaves open from its pending transfer."""
    takes_all = t.amount_minor == (AMOUNT_ALL if t.flags & Transfer.POST else 0)
    return replace(
        t,
        debit_account_id=t.debit_account_id or p.debit_account_id,
        credit_account_id=t.credit_account_id or p.credit_account_id,
        amount_minor=p.amount_minor if takes_all else t.amount_minor,
        user_data_128=t.user_data_128 or p.user_data_128,
        user_data_64=t.user_data_64 or p.user_data_64,
        user_data_32=t.user_data_32 or p.user_data_32,
        ledger=t.ledger or p.ledger,
        code=t.code or p.code,
    )


def _same_content(t: Transfer, found: Transfer) -> Status:
    if t.debit_account_id != found.debit_account_id:
        return Status.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if t.credit_account_id != found.credit_account_id:
        return Status.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    if t.amount_minor != found.amount_minor:
        return Status.EXISTS_WITH_DIFFERENT_AMOUNT
    if t.user_data_128 != found.user_data_128:
        return Status.EXISTS_WITH_DIFFERENT_USER_DATA_128
    if t.user_data_64 != found.user_data_64:
        return Status.EXISTS_WITH_DIFFERENT_USER_DATA_64
    if t.user_data_32 != found.user_data_32:
        return Status.EXISTS_WITH_DIFFERENT_USER_DATA_32
    if t.ledger != found.ledger:
        return Status.EXISTS_WITH_DIFFERENT_LEDGER
    if t.code != found.code:
        return Status.EXISTS_WITH_DIFFERENT_CODE
    return Status.EXISTS
