"""The accounts of offline in the ledger, and how its rows become nouns."""

from __future__ import annotations

from puhui.kernel.store import Row
from puhui.ledger import Account, Transfer
from puhui.offline import rules
from puhui.offline.nouns import AllowanceState, OfflineVoucher, VoucherState
from puhui.payment import own_account, wallet_account

__all__ = [
    "allowance_state",
    "escrow_account",
    "excess_account",
    "excess_id_of",
    "own_account",
    "row_of",
    "transfer_id_of",
    "voucher_of",
    "voucher_state",
    "wallet_account",
]


def escrow_account(allowance_id: str) -> int:
    """The number of the account that holds an allowance's limit and its cover."""
    return Account.id_of(f"offline_escrow:{allowance_id}")


def excess_account(account_id: int) -> int:
    """The number of the account beside a wallet that holds what the wallet has no room for."""
    return Account.id_of(f"offline_excess:{account_id:032x}")


def excess_id_of(digest: bytes) -> int:
    """The id of the transfer that keeps aside what the payee's wallet has no room for."""
    return Transfer.id_of(f"offline_excess:{digest.hex()}")


def transfer_id_of(digest: bytes) -> int:
    """The id of the transfer that pays a voucher: the first half of its digest."""
    return int.from_bytes(digest[:16], "big")


def voucher_of(row: Row) -> OfflineVoucher:
    """The voucher of a row."""
    return OfflineVoucher(
        allowance_id=bytes.fromhex(row.allowance_id),
        payee_account_id=int(row.payee_account_id, 16),
        amount_minor=row.amount_minor,
        counter=row.counter,
        spent_before_minor=row.spent_before_minor,
        previous=bytes.fromhex(row.previous),
        nonce=bytes.fromhex(row.nonce),
        time_us=row.time_us,
        digest=bytes.fromhex(row.digest),
        signature=bytes.fromhex(row.signature),
    )


def row_of(
    voucher: OfflineVoucher, *, received_us: int, is_late: bool, paid_minor: int | None
) -> dict[str, object]:
    """The row of a voucher that came in."""
    return {
        "digest": voucher.digest.hex(),
        "allowance_id": voucher.allowance_id.hex(),
        "counter": voucher.counter,
        "payee_account_id": f"{voucher.payee_account_id:032x}",
        "amount_minor": voucher.amount_minor,
        "spent_before_minor": voucher.spent_before_minor,
        "previous": voucher.previous.hex(),
        "nonce": voucher.nonce.hex(),
        "time_us": voucher.time_us,
        "signature": voucher.signature.hex(),
        "received_us": received_us,
        "is_late": int(is_late),
        "paid_minor": paid_minor,
    }


def voucher_state(row: Row) -> VoucherState:
    """What is shown of a voucher."""
    return VoucherState(
        digest=row.digest,
        allowance_id=row.allowance_id,
        counter=row.counter,
        payee_account_id=int(row.payee_account_id, 16),
        amount_minor=row.amount_minor,
        paid_minor=row.paid_minor or 0,
        status=rules.status_of(row.amount_minor, row.paid_minor, is_late=bool(row.is_late)),
        time_us=row.time_us,
        received_us=row.received_us,
    )


def allowance_state(row: Row) -> AllowanceState:
    """What is shown of an allowance."""
    return AllowanceState(
        id=row.id,
        party_id=row.party_id,
        currency=row.currency,
        tier=row.tier,
        epoch=row.epoch,
        allowance_limit_minor=row.allowance_limit_minor,
        cover_minor=row.cover_minor,
        claimed_minor=row.claimed_minor,
        paid_minor=row.paid_minor,
        issued_us=row.issued_us,
        expires_us=row.expires_us,
        sync_until_us=row.sync_until_us,
        is_closed=row.closed_us is not None,
        text=row.text,
    )
