"""Who is paid out of an allowance, and what its vouchers prove against the wallet.

Everything here is a function of the *set* of vouchers, so the order in which they come in, how
often, and what was lost and sent again on the way, cannot matter:

- cases: each voucher tells its own digest for its place in the chain, and through ``previous``
  the digest for the place before; two digests for one place are a double spend;
- totals: the money set aside is the allowance limit and the operator's cover, and payees have all
  of what vouchers ask for up to that; the limit goes first, whatever is over comes from the cover;
- single payees, when an allowance pays out at its close: if the money does not reach, all payees
  get the same, up to what each is owed (constrained equal awards).

Where an allowance pays with each synchronisation, totals are as above, and each payee is paid in
full unless a double spender's vouchers sum to more than limit and cover: then who comes first is
paid first. No rule can pay at once, bound what it costs, and not depend on order, all three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from puhui.offline.nouns import FraudKind, OfflineVoucher

Place = tuple[int, FraudKind]


def witnessed(vouchers: Iterable[OfflineVoucher]) -> dict[int, set[bytes]]:
    """By counter the digests that the wallet has signed for: of vouchers, and of ``previous``."""
    found: dict[int, set[bytes]] = {}
    for voucher in vouchers:
        found.setdefault(voucher.counter, set()).add(voucher.digest)
        if voucher.counter > 1:
            found.setdefault(voucher.counter - 1, set()).add(voucher.previous)
    return found


def find_cases(vouchers: Sequence[OfflineVoucher]) -> frozenset[Place]:
    """What the vouchers of one allowance prove, by place in the chain; more only prove more.

    ``double_spend``: two digests for one place. ``false_sum``: a voucher says that less or more
    was spent before it, or that it stands elsewhere, than the voucher says which it follows.
    """
    cases = {
        (counter, FraudKind.DOUBLE_SPEND)
        for counter, digests in witnessed(vouchers).items()
        if len(digests) > 1
    }
    by_digest = {voucher.digest: voucher for voucher in vouchers}
    for voucher in vouchers:
        before = by_digest.get(voucher.previous)
        if before is None:
            continue
        spent_minor = before.spent_before_minor + before.amount_minor
        if (voucher.counter, voucher.spent_before_minor) != (before.counter + 1, spent_minor):
            cases.add((voucher.counter, FraudKind.FALSE_SUM))
    return frozenset(cases)


def award_at_sync(fresh: Sequence[OfflineVoucher], left_minor: int) -> dict[bytes, int]:
    """What each fresh voucher is paid at once, by digest, as far as the money set aside reaches.

    Minor units; within one synchronisation by counter, then digest.
    """
    awards = {}
    for voucher in sorted(fresh, key=_place):
        awards[voucher.digest] = min(voucher.amount_minor, left_minor)
        left_minor -= awards[voucher.digest]
    assert left_minor >= 0, left_minor
    return awards


def award_at_close(waiting: Sequence[OfflineVoucher], left_minor: int) -> dict[bytes, int]:
    """What each waiting voucher is paid when its allowance closes, by digest, in minor units.

    If ``left_minor`` does not reach for all, payees get equal parts up to what each is owed, so
    that small claims are met first and making up more claims gains nothing; a payee's part goes
    to the vouchers by counter, then digest. Source: constrained equal awards (Maimonides' rule),
    in W. Thomson, Mathematical Social Sciences 45 (2003) 249-297, section 3.
    """
    claims: dict[int, int] = {}
    for voucher in waiting:
        payee = voucher.payee_account_id
        claims[payee] = claims.get(payee, 0) + voucher.amount_minor
    parts = _equal_parts(claims, left_minor)
    awards = {}
    for voucher in sorted(waiting, key=_place):
        part = min(voucher.amount_minor, parts[voucher.payee_account_id])
        parts[voucher.payee_account_id] -= part
        awards[voucher.digest] = part
    assert sum(awards.values()) == min(sum(claims.values()), left_minor)
    return awards


def split_award(amount_minor: int, room_minor: int | None) -> tuple[int, int]:
    """Of what a payee is paid, how much the wallet takes in and how much is kept aside.

    ``room_minor`` is what the wallet's tier lets it hold more, None where it has no limit; all in
    minor units. Nothing is lost: the two are the amount.
    """
    inside_minor = amount_minor if room_minor is None else min(amount_minor, max(room_minor, 0))
    return inside_minor, amount_minor - inside_minor


def _equal_parts(claims: Mapping[int, int], left_minor: int) -> dict[int, int]:
    """Equal parts of ``left_minor`` up to each claim; odd minor units go to larger claims."""
    parts = {}
    ordered = sorted(claims.items(), key=lambda claim: (claim[1], claim[0]))
    for place, (payee, claim) in enumerate(ordered):
        parts[payee] = min(claim, left_minor // (len(ordered) - place))
        left_minor -= parts[payee]
    return parts


def _place(voucher: OfflineVoucher) -> tuple[int, bytes]:
    return voucher.counter, voucher.digest


def status_of(amount_minor: int, paid_minor: int | None, *, is_late: bool) -> str:
    """How a voucher stands: paid, part, unpaid, late, or waiting for its allowance to close."""
    if is_late:
        return "late"
    if paid_minor is None:
        return "waiting"
    if paid_minor == amount_minor:
        return "paid"
    return "part" if paid_minor else "unpaid"
