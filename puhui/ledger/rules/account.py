"""Which accounts of a batch are created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from puhui.kernel.errors import Refused
from puhui.ledger.nouns import BATCH_MAX, ID_MAX, TIME_US_MAX, Account, Status

_KNOWN = 63
_BOTH_LIMITS = Account.DEBITS_MUST_NOT_EXCEED_CREDITS | Account.CREDITS_MUST_NOT_EXCEED_DEBITS


def judge_accounts(
    known: Mapping[int, Account], accounts: Sequence[Account], now_us: int
) -> tuple[list[Status], list[Account]]:
    """Decide a batch of accounts: one status each, and those to create.

    ``known`` are the accounts of these ids that exist; ``now_us`` is the time in microseconds
    UTC. An imported account's own time must be before it, and not before the one ahead of it in
    the batch. Refused: ``ledger.batch_too_large``, ``ledger.field_out_of_range``.
    Source: TigerBeetle, reference of create_accounts, 0.16.
    """
    if len(accounts) > BATCH_MAX:
        raise Refused("ledger.batch_too_large", f"A batch has at most {BATCH_MAX:,} accounts.")
    statuses: list[Status] = []
    created: dict[int, Account] = {}
    is_import = bool(accounts) and bool(accounts[0].flags & Account.IMPORTED)
    chain_start, is_broken = -1, False
    for index, account in enumerate(accounts):
        _check_layout(account)
        is_linked = bool(account.flags & Account.LINKED)
        if is_linked and chain_start < 0:
            chain_start, kept = index, len(created)
        if is_linked and index == len(accounts) - 1:
            status = Status.LINKED_EVENT_CHAIN_OPEN
        elif is_broken:
            status = Status.LINKED_EVENT_FAILED
        else:
            found = created.get(account.id) or known.get(account.id)
            latest_us = next(reversed(created.values())).time_us if created else 0
            status = _judge(account, found, is_import, now_us, latest_us)
        if status is Status.CREATED:
            created[account.id] = account
        elif chain_start >= 0 and not is_broken:
            is_broken = True
            statuses[chain_start:] = [Status.LINKED_EVENT_FAILED] * (index - chain_start)
            for undone in list(created)[kept:]:
                del created[undone]
        statuses.append(status)
        if not is_linked:
            chain_start, is_broken = -1, False
    return statuses, list(created.values())


def _check_layout(account: Account) -> None:
    if not (
        0 <= account.id <= ID_MAX
        and 0 <= account.user_data_128 <= ID_MAX
        and 0 <= account.user_data_64 < 2**64
        and 0 <= account.user_data_32 < 2**32
        and 0 <= account.code < 2**16
        and 0 <= account.flags < 2**16
        and len(account.ledger) <= 16
    ):
        raise Refused("ledger.field_out_of_range", f"Account {account.id} has a field too large.")


def _judge(
    a: Account, found: Account | None, is_import: bool, now_us: int, latest_us: int
) -> Status:
    if bool(a.flags & Account.IMPORTED) != is_import:
        return Status.IMPORTED_EVENT_EXPECTED if is_import else Status.IMPORTED_EVENT_NOT_EXPECTED
    if is_import:
        if not 0 < a.time_us <= TIME_US_MAX:
            return Status.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
        if a.time_us >= now_us:
            return Status.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
    elif a.time_us:
        return Status.TIMESTAMP_MUST_BE_ZERO
    if a.flags & ~_KNOWN:
        return Status.RESERVED_FLAG
    if a.id == 0:
        return Status.ID_MUST_NOT_BE_ZERO
    if a.id == ID_MAX:
        return Status.ID_MUST_NOT_BE_INT_MAX
    if found is not None:
        return _exists(a, found)
    if a.flags & _BOTH_LIMITS == _BOTH_LIMITS:
        return Status.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if a.debits_pending_minor:
        return Status.DEBITS_PENDING_MUST_BE_ZERO
    if a.debits_posted_minor:
        return Status.DEBITS_POSTED_MUST_BE_ZERO
    if a.credits_pending_minor:
        return Status.CREDITS_PENDING_MUST_BE_ZERO
    if a.credits_posted_minor:
        return Status.CREDITS_POSTED_MUST_BE_ZERO
    if not a.ledger:
        return Status.LEDGER_MUST_NOT_BE_ZERO
    if a.code == 0:
        return Status.CODE_MUST_NOT_BE_ZERO
    if is_import and a.time_us < latest_us:
        return Status.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
    return Status.CREATED


def _exists(a: Account, found: Account) -> Status:
    if a.flags != found.flags:
        return Status.EXISTS_WITH_DIFFERENT_FLAGS
    if a.user_data_128 != found.user_data_128:
        return Status.EXISTS_WITH_DIFFERENT_USER_DATA_128
    if a.user_data_64 != found.user_data_64:
        return Status.EXISTS_WITH_DIFFERENT_USER_DATA_64
    if a.user_data_32 != found.user_data_32:
        return Status.EXISTS_WITH_DIFFERENT_USER_DATA_32
    if a.ledger != found.ledger:
        return Status.EXISTS_WITH_DIFFERENT_LEDGER
    if a.code != found.code:
        return Status.EXISTS_WITH_DIFFERENT_CODE
    return Status.EXISTS


def require_created(statuses: Sequence[Status], what: str) -> None:
    """Refuse with the first status that is not ``created``; a cause goes before its followers.

    Refused: ``ledger.<status>``.
    """
    failed = [s for s in statuses if s is not Status.CREATED]
    if not failed:
        return
    cause = next((s for s in failed if s is not Status.LINKED_EVENT_FAILED), failed[0])
    place = statuses.index(cause) + 1
    words = cause.value.replace("_", " ")
    raise Refused(f"ledger.{cause.value}", f"{what.title()} {place} of {len(statuses)}: {words}.")
