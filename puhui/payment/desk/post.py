"""Posting payments: the one way from columns of payments to transfers, rows and usage.

Whatever the size of the batch: one statement for the wallets on record, one for all that the
ledger needs of each kind, and one ``run_many`` for the payments' rows. Only where a wallet with
limits takes part are what it spent today, what it holds and which payments are on record read
too. Wallets are locked before the ledger locks balances, both in the order of their numbers.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.ledger import Transfer, chart, create_transfers, lookup_accounts, lookup_transfers
from puhui.payment.desk.lists import figures, tiers
from puhui.payment.desk.wallet import wallet_account
from puhui.payment.rules.batch import (
    BAD_AMOUNT,
    POSTED,
    REASON_CODES,
    REPEATED,
    Held,
    bad_texts,
    code_of,
    judge_batch,
)
from puhui.payment.rules.wallet import AMOUNT_MAX
from puhui.payment.tables import payment
from puhui.payment.tables import wallet as tables

NUMBER_LENGTH = 32
_HEX = frozenset(string.hexdigits)

COLUMNS_FROM = 256
"""A batch of as many payments goes to the ledger and into the table by columns."""


@lru_cache(maxsize=65_536)
def account_of(party: str, currency: str) -> int:
    """The wallet that a text names: an account's number in 32 hexadecimal digits, or a party id."""
    if is_number(party):
        return int(party, 16)
    return wallet_account(party, currency)


@lru_cache(maxsize=65_536)
def account_key(party: str, currency: str) -> bytes:
    """The same as the 16 bytes that the tables hold."""
    return tables.blob(account_of(party, currency))


def is_number(text: str) -> bool:
    """Whether a text is the number of an account."""
    return len(text) == NUMBER_LENGTH and _HEX.issuperset(text)


def transfer_keys(payer_accounts: Sequence[bytes], payment_ids: Sequence[str]) -> tuple[bytes, ...]:
    """The transfers that payers' payment ids mean, for ever: 128 bits of BLAKE2b each."""
    hashed = hashlib.blake2b
    return tuple(
        hashed(b"pay:" + account + payment_id.encode(), digest_size=16).digest()
        for account, payment_id in zip(payer_accounts, payment_ids, strict=True)
    )


def _digests(columns: Columns) -> tuple[int, ...]:
    """The 63-bit digest of each payment's words, which its transfer carries; 0 of none."""
    hashed, number = hashlib.blake2b, int.from_bytes
    return tuple(
        number(hashed(f"{purpose}\x1f{remark}".encode(), digest_size=8).digest(), "big") >> 1
        if purpose or remark
        else 0
        for purpose, remark in zip(columns.purposes, columns.remarks, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """Payments of one currency as columns of equal length.

    ``ids`` of transfers and accounts of wallets are 16 bytes each, as the tables hold them;
    ``purposes`` and ``remarks`` are both empty where no payment has any.
    """

    ids: Sequence[bytes]
    payment_ids: Sequence[str]
    payers: Sequence[str]
    payees: Sequence[str]
    payer_accounts: Sequence[bytes]
    payee_accounts: Sequence[bytes]
    amounts: Sequence[int]
    currency: str
    purposes: Sequence[str]
    remarks: Sequence[str]


def post_payments(act: Act, columns: Columns) -> list[str]:
    """Post payments in order and say of each ``posted``, ``exists`` or the code of its refusal.

    Nothing is raised for one payment's sake. What was refused by a limit, a closed wallet or bad
    data may be tried again under its id; what failed in the ledger for want of money may not.
    """
    refused = _unfit(columns)
    refused |= _not_wallets(act, columns)
    accounts = {*columns.payer_accounts, *columns.payee_accounts}
    held = hold_wallets(act, accounts)
    known = _known(act, columns, held)
    judged = judge_batch(
        held, columns.payer_accounts, columns.payee_accounts, columns.amounts, known | set(refused)
    )
    refused |= judged
    count = len(columns.ids)
    places: Sequence[int] = range(count)
    if refused:
        places = [place for place in places if place not in refused]
    first = act.new_number() >> 13 << 13 | 1 << 13  # 8,192 numbers follow one another
    digests = _digests(columns)
    made = _create(act, columns, places, first, digests)
    codes = [POSTED] * count
    for place, code in refused.items():
        codes[place] = code
    posted = places
    if made.count("created") < len(made):
        posted = _follow(act, columns, zip(places, made, strict=True), codes, digests)
    if posted:
        _record(act, columns, posted, first)
        if held.tiers:
            spent = [(columns.payer_accounts[at], columns.amounts[at]) for at in posted]
            count_usage(act, held, spent)
    return codes


def _create(
    act: Act, columns: Columns, places: Sequence[int], first: int, digests: Sequence[int]
) -> tuple[str, ...]:
    """Give the payments at ``places`` to the ledger; what it says of each."""
    code = chart().transfer("payment")
    ids, amounts = columns.ids, columns.amounts
    payers, payees = columns.payer_accounts, columns.payee_accounts
    if len(places) >= COLUMNS_FROM:
        is_whole = len(places) == len(ids)
        numbers = number_keys(first, len(ids))
        lists: dict[str, Sequence[Any]] = {
            "id": ids,
            "debit_account_id": payers,
            "credit_account_id": payees,
            "amount_minor": amounts,
            "user_data_128": numbers,
            "user_data_64": digests or (0,) * len(ids),
        }
        if not is_whole:
            lists = {name: [column[at] for at in places] for name, column in lists.items()}
        return create_transfers(act, {**lists, "ledger": columns.currency, "code": code})
    number = int.from_bytes
    return create_transfers(
        act,
        [
            Transfer(
                number(ids[at], "big"),
                number(payers[at], "big"),
                number(payees[at], "big"),
                amounts[at],
                columns.currency,
                code,
                user_data_128=first + at,
                user_data_64=digests[at] if digests else 0,
            )
            for at in places
        ],
    )


_SAME_MONEY = ("exists", "exists_with_different_user_data_128")
"""A transfer with this id is there, of the same amount between the same accounts. Its number always
differs, as each try draws a new one; whether its words do is looked up."""


def _follow(
    act: Act,
    columns: Columns,
    made: Iterable[tuple[int, str]],
    codes: list[str],
    digests: Sequence[int],
) -> list[int]:
    """Say in ``codes`` what statuses of the ledger mean; the places of what was posted."""
    posted, again = [], []
    for place, status in made:
        if status == "created":
            posted.append(place)
        elif status in _SAME_MONEY:
            again.append(place)
        else:
            codes[place] = code_of(str(status))
    ids = [int.from_bytes(columns.ids[at], "big") for at in again]
    for place, found in zip(again, lookup_transfers(act.tx, ids), strict=True):
        assert found is not None, place
        is_same = found.user_data_64 == (digests[place] if digests else 0)
        codes[place] = REPEATED if is_same else "payment.id_reused"
    return posted


def post_one(
    act: Act, *, payer_id: str, payee: str, amount_minor: int, currency: str, purpose: str = "",
    remark: str = "", payment_id: str = "",
) -> tuple[int, bool]:  # fmt: skip
    """Post one payment; its transfer's id, and whether it was posted before.

    Refused: the codes of ``rules.batch.REASON_CODES``.
    """
    payer_account = account_key(payer_id, currency)
    if payment_id:
        (key,) = transfer_keys((payer_account,), (payment_id,))
    else:
        key = tables.blob(act.new_number())
        payment_id = key.hex()
    columns = Columns(
        ids=(key,),
        payment_ids=(payment_id,),
        payers=(payer_id,),
        payees=(payee,),
        payer_accounts=(payer_account,),
        payee_accounts=(account_key(payee, currency),),
        amounts=(amount_minor,),
        currency=currency,
        purposes=(purpose,) if purpose or remark else (),
        remarks=(remark,) if purpose or remark else (),
    )
    (code,) = post_payments(act, columns)
    if code not in (POSTED, REPEATED):
        raise Refused(code, REASON_CODES[code])
    return int.from_bytes(key, "big"), code == REPEATED


def _unfit(columns: Columns) -> dict[int, str]:
    """Places whose amount or texts no payment can have."""
    amounts = columns.amounts
    refused: dict[int, str] = {}
    if amounts and not 0 < min(amounts) <= max(amounts) <= AMOUNT_MAX:
        wrong = (at for at, amount in enumerate(amounts) if not 0 < amount <= AMOUNT_MAX)
        refused = dict.fromkeys(wrong, BAD_AMOUNT)
    text = figures("text")
    wrong_texts = bad_texts(
        columns.payment_ids,
        columns.purposes,
        columns.remarks,
        id_length_max=text.payment_id_length_max,
        purpose_length_max=text.purpose_length_max,
        remark_length_max=text.remark_length_max,
    )
    return refused | dict.fromkeys(wrong_texts, "payment.bad_text")


def _not_wallets(act: Act, columns: Columns) -> dict[int, str]:
    """Places that name an account by its number which is none of a customer's deposits."""
    named: set[bytes] = set()
    for texts, accounts in (
        (columns.payers, columns.payer_accounts),
        (columns.payees, columns.payee_accounts),
    ):
        if NUMBER_LENGTH in set(map(len, texts)):
            pairs = zip(texts, accounts, strict=True)
            named.update(account for text, account in pairs if is_number(text))
    if not named:
        return {}
    code = chart().account("customer_deposit")
    strangers: set[bytes] = set()
    for found in lookup_accounts(act.tx, [int.from_bytes(key, "big") for key in sorted(named)]):
        if found is not None and found.code != code:
            strangers.add(tables.blob(found.id))
    if not strangers:
        return {}
    places = enumerate(zip(columns.payer_accounts, columns.payee_accounts, strict=True))
    return {at: "payment.not_a_wallet" for at, pair in places if strangers.intersection(pair)}


def hold_wallets(act: Act, accounts: Collection[bytes]) -> Held:
    """Lock the wallets on record among ``accounts``, and fetch what their limits are held against.

    One statement where none of them has a limit; up to three more otherwise.
    """
    rows = act.tx.all(tables.LOCK_WALLETS, ids=list(accounts))
    by_number = tiers().by_number
    bounded, closed = {}, set()
    for row in rows:
        tier = by_number[row.tier]
        if row.status != "open":
            closed.add(row.account_id)
        elif tier.is_bounded:
            bounded[row.account_id] = tier
    if not bounded:
        return Held(closed=closed)
    ids = list(bounded)
    used = act.tx.all(tables.READ_USAGE, ids=ids, day=act.today.isoformat())
    spent = {row.account_id: row.spent_minor for row in used}
    balances = {
        tables.blob(found.id): found.credit_balance_minor + found.credits_pending_minor
        for found in lookup_accounts(act.tx, [int.from_bytes(key, "big") for key in ids])
        if found is not None
    }
    return Held(bounded, closed, spent, balances)


def _known(act: Act, columns: Columns, held: Held) -> set[int]:
    """Places of payments that touch wallets with limits, or closed ones, and are on record."""
    if not held.tiers and not held.closed:
        return set()
    concerned = held.closed | held.tiers.keys()
    pairs = enumerate(zip(columns.payer_accounts, columns.payee_accounts, strict=True))
    places = [at for at, pair in pairs if concerned.intersection(pair)]
    ids = [int.from_bytes(columns.ids[at], "big") for at in places]
    found = lookup_transfers(act.tx, ids)
    return {at for at, transfer in zip(places, found, strict=True) if transfer is not None}


def _record(act: Act, columns: Columns, posted: Sequence[int], first: int) -> None:
    """Write the rows of what was posted."""
    count = len(columns.ids)
    blank = ("",) * count
    lists: dict[str, Sequence[Any]] = {
        "number": number_keys(first, count),
        "payment_id": columns.payment_ids,
        "payer_id": columns.payers,
        "payee_id": columns.payees,
        "purpose": columns.purposes or blank,
        "remark": columns.remarks or blank,
    }
    if len(posted) < count:
        lists = {name: [column[at] for at in posted] for name, column in lists.items()}
    if len(posted) >= COLUMNS_FROM:
        made = {name: list(column) for name, column in lists.items()}
        act.tx.load(payment.PAYMENT, {**made, "original_id": None})
        return
    names = tuple(lists)
    for row in zip(*lists.values(), strict=True):
        act.tx.put(payment.INSERT_PAYMENT, original_id=None, **dict(zip(names, row, strict=True)))


def number_keys(first: int, count: int) -> list[bytes]:
    """Payment numbers that follow one another, 16 bytes each; at most 8,192 from ``first``."""
    head = (first >> 16).to_bytes(14, "big")
    low = first & 0xFFFF
    assert low + count <= 1 << 16, first
    return [head + at.to_bytes(2, "big") for at in range(low, low + count)]


def count_usage(act: Act, held: Held, spent: Iterable[tuple[bytes, int]]) -> None:
    """Add payments (account, amount in minor units) to what wallets with a daily limit spent."""
    sums: dict[bytes, list[int]] = {}
    for account, amount in spent:
        tier = held.tiers.get(account)
        if tier is not None and tier.daily_minor_max is not None:
            total = sums.setdefault(account, [0, 0])
            total[0] += amount
            total[1] += 1
    rows = [
        {
            "account_id": account,
            "day": act.today.isoformat(),
            "spent_minor": total[0],
            "payments": total[1],
        }
        for account, total in sorted(sums.items())
    ]
    if rows:
        act.tx.run_many(tables.ADD_USAGE, rows)
