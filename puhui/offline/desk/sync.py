"""Synchronising vouchers: in any order, any number of times, with the same end.

Vouchers of one allowance meet in its row, which is locked first; so what one act decides rests on
every voucher that came in before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from puhui.kernel.act import BATCH_MAX, Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row
from puhui.ledger import Account, Transfer, chart, lookup_accounts, lookup_transfers
from puhui.offline import rules, tables
from puhui.offline.desk.books import (
    escrow_account,
    excess_id_of,
    row_of,
    transfer_id_of,
    voucher_of,
    wallet_account,
)
from puhui.offline.desk.excess import Rooms, pay_out, take_rooms
from puhui.offline.desk.revoke import hold_for_case, revoke_up_to
from puhui.offline.engines.signature import is_signed
from puhui.offline.formats import message
from puhui.offline.nouns import (
    Allowance,
    CheckedVouchers,
    OfflineVoucher,
    SyncedVoucher,
    SyncVouchers,
    VouchersSynced,
)

VOUCHERS_MAX = 4_000
"""The most vouchers kept of one allowance: a broken wallet may sign as many as it likes."""


def check_signatures(node: Node, input: SyncVouchers | CheckedVouchers) -> CheckedVouchers:
    """Decode every text and check its signature, before the act; refusals become verdicts.

    Refused: ``offline.checked_input``.
    """
    if not isinstance(input, SyncVouchers):
        raise Refused("offline.checked_input", "Signatures are checked by the node alone.")
    vouchers: list[OfflineVoucher | str] = []
    for text in input.texts:
        try:
            vouchers.append(message.read_voucher(text))
        except Refused as refused:
            vouchers.append(refused.code)
    ids = sorted({one.allowance_id.hex() for one in vouchers if isinstance(one, OfflineVoucher)})
    keys: dict[bytes, bytes] = {}
    if ids:
        with node.read() as tx:
            for row in tx.all(tables.READ_ALLOWANCES, ids=ids):
                allowance = message.read_allowance(row.text)
                keys[allowance.id] = allowance.wallet_key
    verdicts = [one if isinstance(one, str) else _verdict(one, keys) for one in vouchers]
    return CheckedVouchers(input.texts, tuple(verdicts))


def _verdict(voucher: OfflineVoucher, keys: Mapping[bytes, bytes]) -> str:
    key = keys.get(voucher.allowance_id)
    if key is None:
        return "offline.unknown_allowance"
    body = message.voucher_body(voucher)
    return "" if is_signed(key, body, voucher.signature) else "offline.bad_signature"


@dataclass(slots=True)
class _Group:
    """The vouchers of one allowance: its row, what is held, and what this act adds."""

    row: Row
    allowance: Allowance
    held: dict[bytes, tuple[OfflineVoucher, int | None, bool]]
    fresh: dict[bytes, OfflineVoucher] = field(default_factory=dict)
    refused: dict[bytes, str] = field(default_factory=dict)


@use_case(
    "offline.sync_vouchers",
    roles=("customer", "operator", "system"),
    api=True,
    batch="texts",
    prepare=check_signatures,
)
def sync_vouchers(act: Act, input: SyncVouchers | CheckedVouchers) -> VouchersSynced:
    """Take vouchers in, pay what can be paid, and find double spends; refusals one by one.

    Whoever holds a voucher may bring it: it pays nobody but the payee it names. Refusals of
    single vouchers: ``offline.bad_message``, ``offline.bad_signature``,
    ``offline.unknown_allowance``, ``offline.no_payee``, ``offline.own_wallet``,
    ``offline.too_many``, and those of ``rules.check_terms``; of the whole those of
    ``check_signatures``.
    """
    assert isinstance(input, CheckedVouchers), input
    items = [
        verdict or message.read_voucher(text)
        for text, verdict in zip(input.texts, input.verdicts, strict=True)
    ]
    vouchers = [item for item in items if isinstance(item, OfflineVoucher)]
    groups = _take_groups(act, {one.allowance_id.hex() for one in vouchers})
    fresh = [one for one in vouchers if one.digest not in groups[one.allowance_id].held]
    payees = sorted({one.payee_account_id for one in fresh})
    accounts = dict(zip(payees, lookup_accounts(act.tx, payees), strict=True))
    for voucher in fresh:
        _admit(groups[voucher.allowance_id], voucher, accounts[voucher.payee_account_id])
    rooms = take_rooms(act, payees)
    transfers: list[Transfer] = []
    case_count = paid_minor = 0
    for allowance_id in sorted(groups):
        group = groups[allowance_id]
        if group.fresh:
            made = _pay(act, group, rooms)
            paid_minor += sum(one.amount_minor for one in made)
            transfers += made
            case_count += _open_cases(act, group)
    pay_out(act, transfers, rooms)
    aside = _aside(act, groups)
    answers = tuple(_answer(item, groups, aside) for item in items)
    new_count = sum(len(group.fresh) for group in groups.values())
    return VouchersSynced(answers, new_count, paid_minor, case_count)


def _take_groups(act: Act, ids: set[str]) -> dict[bytes, _Group]:
    """Lock the allowances in the order of their ids, and read what is held of each."""
    if not ids:
        return {}
    groups = {}
    for row in act.tx.all(tables.LOCK_ALLOWANCES, ids=sorted(ids)):
        allowance = message.read_allowance(row.text)
        groups[allowance.id] = _Group(row, allowance, {})
    for row in act.tx.all(tables.READ_VOUCHERS, ids=sorted(ids)):
        voucher = voucher_of(row)
        found = voucher, row.paid_minor, bool(row.is_late)
        groups[voucher.allowance_id].held[voucher.digest] = found
    return groups


def _admit(group: _Group, voucher: OfflineVoucher, account: Account | None) -> None:
    """Put a voucher among the fresh ones, or among the refused ones with a code."""
    try:
        _check_payee(group, account)
        if len(group.held) + len(group.fresh.keys() | {voucher.digest}) > VOUCHERS_MAX:
            raise Refused("offline.too_many", "This allowance has too many vouchers already.")
        rules.check_terms(group.allowance, voucher)
    except Refused as refused:
        group.refused[voucher.digest] = refused.code
    else:
        group.fresh[voucher.digest] = voucher


def _check_payee(group: _Group, account: Account | None) -> None:
    """Whether an account may be paid. Refused: ``offline.no_payee``, ``offline.own_wallet``."""
    row = group.row
    if (
        account is None
        or (account.ledger, account.code) != (row.currency, chart().account("customer_deposit"))
        or account.flags & Account.CLOSED
    ):
        raise Refused("offline.no_payee", f"The payee has no wallet in {row.currency} here.")
    if account.id == wallet_account(row.party_id, row.currency):
        raise Refused("offline.own_wallet", "A wallet cannot pay itself.")


def _pay(act: Act, group: _Group, rooms: Rooms) -> list[Transfer]:
    """Record the fresh vouchers, and the transfers of those that are paid at once."""
    row, fresh = group.row, list(group.fresh.values())
    is_late = row.closed_us is not None or act.now_us > row.sync_until_us
    set_aside_minor = row.allowance_limit_minor + row.cover_minor
    awards: dict[bytes, int] = {}
    if not is_late and row.pays_at_sync:
        awards = rules.award_at_sync(fresh, set_aside_minor - row.paid_minor)
    rows = []
    for voucher in fresh:
        paid_minor = 0 if is_late else awards.get(voucher.digest)
        group.held[voucher.digest] = voucher, paid_minor, is_late
        rows.append(row_of(voucher, received_us=act.now_us, is_late=is_late, paid_minor=paid_minor))
    act.tx.run_many(tables.INSERT_VOUCHER, rows)
    if is_late:
        return []
    claimed_minor = row.claimed_minor + sum(one.amount_minor for one in fresh)
    paid_minor = row.paid_minor + sum(awards.values())
    assert paid_minor <= set_aside_minor, row.id
    act.tx.put(
        tables.SET_ALLOWANCE,
        id_=row.id,
        claimed_minor_=claimed_minor,
        paid_minor_=paid_minor,
        cover_used_minor_=0,
        closed_us_=None,
    )
    paid = {"allowance": row.id, "vouchers": len(fresh), "paid_minor": sum(awards.values())}
    act.emit("offline.vouchers_synced", row.party_id, paid)
    return transfers_of(row, fresh, awards, rooms)


def transfers_of(
    row: Row, vouchers: Sequence[OfflineVoucher], awards: Mapping[bytes, int], rooms: Rooms
) -> list[Transfer]:
    """The transfers from an allowance's escrow to payees, each with an id that its voucher gives:
    one into the wallet, and one beside it for what the wallet has no room for.
    """
    made = []
    for voucher in sorted(vouchers, key=lambda one: (one.counter, one.digest)):
        payee = voucher.payee_account_id
        inside_minor, aside_minor = rooms.split(payee, awards.get(voucher.digest, 0))
        parts = [(transfer_id_of(voucher.digest), payee, inside_minor)]
        if aside_minor:
            aside = rooms.keep_aside(payee, row.currency)
            parts.append((excess_id_of(voucher.digest), aside, aside_minor))
        made += [
            Transfer(
                transfer_id,
                escrow_account(row.id),
                to_account,
                minor,
                row.currency,
                chart().transfer("offline_payment"),
                user_data_128=int(row.id, 16),
                user_data_64=voucher.counter,
            )
            for transfer_id, to_account, minor in parts
            if minor
        ]
    return made


def _open_cases(act: Act, group: _Group) -> int:
    """Record what the fresh vouchers prove together with those held; revoke the wallet."""
    held = [found[0] for found in group.held.values()]
    before = [one for one in held if one.digest not in group.fresh]
    opened = sorted(rules.find_cases(held) - rules.find_cases(before))
    row = group.row
    for counter, kind in opened:
        act.tx.put(
            tables.ADD_CASE,
            allowance_id=row.id,
            counter=counter,
            kind=kind.value,
            opened_us=act.now_us,
        )
        payload = {"allowance": row.id, "counter": counter, "kind": kind.value}
        act.emit("offline.fraud_found", row.party_id, payload)
    if opened:
        revoke_up_to(act, row.party_id, row.currency, row.epoch, "double spend")
        hold_for_case(act, row.party_id, row.currency)
    return len(opened)


def _aside(act: Act, groups: Mapping[bytes, _Group]) -> dict[bytes, int]:
    """What was kept aside of each voucher that was paid something, by digest, minor units."""
    paid = [d for group in groups.values() for d, (_, minor, _) in group.held.items() if minor]
    found: dict[bytes, int] = {}
    for at in range(0, len(paid), BATCH_MAX):
        page = paid[at : at + BATCH_MAX]
        for digest, made in zip(
            page, lookup_transfers(act.tx, [excess_id_of(one) for one in page]), strict=True
        ):
            if made is not None:
                found[digest] = made.amount_minor
    return found


def _answer(
    item: OfflineVoucher | str, groups: Mapping[bytes, _Group], aside: Mapping[bytes, int]
) -> SyncedVoucher:
    if isinstance(item, str):
        return SyncedVoucher("", "refused", 0, 0, is_new=False, refusal=item)
    group, digest = groups[item.allowance_id], item.digest
    code = group.refused.get(digest)
    if code is not None:
        return SyncedVoucher(
            digest.hex(), "refused", item.amount_minor, 0, is_new=False, refusal=code
        )
    _, paid_minor, is_late = group.held[digest]
    return SyncedVoucher(
        digest.hex(),
        rules.status_of(item.amount_minor, paid_minor, is_late=is_late),
        item.amount_minor,
        paid_minor or 0,
        is_new=digest in group.fresh,
        refusal="",
        aside_minor=aside.get(digest, 0),
    )
