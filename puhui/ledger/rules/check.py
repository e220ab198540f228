"""Whether what is recorded of accounts agrees with what their transfers say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from puhui.ledger.nouns import Account, Finding

_SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
TRACKED = (
    Account.DEBITS_MUST_NOT_EXCEED_CREDITS
    | Account.CREDITS_MUST_NOT_EXCEED_DEBITS
    | Account.HISTORY
)
"""An account with one of these flags has a balance row."""

_NOUGHT = (0, 0, 0, 0)


def compare_books(
    check: str, computed: Mapping[int, Sequence[int]], recorded: Mapping[int, Sequence[int]]
) -> Iterator[Finding]:
    """Find every recorded sum that is not the computed one; all in minor units.

    Both map account ids to (debits pending, debits posted, credits pending, credits posted).
    """
    for account_id, sums in recorded.items():
        expected = computed.get(account_id, _NOUGHT)
        for name, right, found in zip(_SUMS, expected, sums, strict=True):
            if right != found:
                subject = f"account {account_id:032x} {name}"
                yield Finding(check, subject, str(right), str(found))


def check_limits(
    flags: Mapping[int, int], recorded: Mapping[int, Sequence[int]]
) -> Iterator[Finding]:
    """Find accounts whose posted sums break their balance limit, or whose balance row is missing.

    Pending sums are left out: one past its time may stand there until it is released.
    """
    for account_id, flag in flags.items():
        if not flag & TRACKED:
            continue
        subject = f"account {account_id:032x}"
        if account_id not in recorded:
            yield Finding("balance_row", subject, "a balance row", "none")
            continue
        _, debits, _, credits = recorded[account_id]
        if flag & Account.DEBITS_MUST_NOT_EXCEED_CREDITS and debits > credits:
            yield Finding("balance_limit", subject, f"debits <= {credits}", str(debits))
        if flag & Account.CREDITS_MUST_NOT_EXCEED_DEBITS and credits > debits:
            yield Finding("balance_limit", subject, f"credits <= {debits}", str(credits))
    for account_id in sorted(i for i in recorded if not flags.get(i, 0) & TRACKED):
        yield Finding("balance_row", f"account {account_id:032x}", "none", "a balance row")
