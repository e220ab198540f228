"""Posting payments: the one way from columns of payments to transfers, rows and usage.

Whatever the size of the batch: one statement for the wallets on record, one for all that the
ledger needs of each kind, and one ``run_many`` for the payments' rows. Only where a wallet with
limits takes part are what it spent today, what it holds and which payments are on record read
too. Wallets are locked before the ledger locks balances, both in the order of their numbers.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.ledger import Transfer, chart, create_transfers, lookup_accounts, lookup_transfers
from puhui.ledger.nouns import ID_MAX, Status
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


@lru_cache(maxsize=65_536)
def account_of(party: str, currency: str) -> int:
    """The wallet that a text names: an account's number in 32 hexadecimal digits, or a party id."""
    if is_number(party):
        return int(party, 16)
    return wallet_account(party, currency)


def is_number(text: str) -> bool:
    """Whether a text is the number of an account."""
    return len(text) == NUMBER_LENGTH and _HEX.issuperset(text)


def transfer_id_of(payer_account: int, payment_id: str) -> int:
    """The transfer that a payer's payment id means, for ever: 128 bits of BLAKE2b."""
    return _hash(f"pay:{payer_account:032x}:{payment_id}")


def _hash(text: str) -> int:
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")
    return number if 0 < number < ID_MAX else 1


def words_of(purpose: str, remark: str) -> int:
    """The 64-bit digest of a payment's words that its transfer carries; 0 where there are none."""
    return _hash(f"{purpose}\x1f{remark}") >> 64 if purpose or remark else 0


@dataclass(frozen=True, slots=True)
class Columns:
    """Payments of one currency as columns of equal length; accounts are numbers of wallets."""

    ids: Sequence[int]
    payment_ids: Sequence[str]
    payers: Sequence[str]
    payees: Sequence[str]
    payer_accounts: Sequence[int]
    payee_accounts: Sequence[int]
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
    accounts = set(columns.payer_accounts)
    accounts.update(columns.payee_accounts)
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
    transfers = _transfers(columns, places, _first_number(act))
    made = create_transfers(act, transfers)
    codes = [POSTED] * count
    for place, code in refused.items():
        codes[place] = code
    posted, again = [], []
    for place, transfer, status in zip(places, transfers, made, strict=True):
        if status == CREATED:
            posted.append((place, transfer))
        elif status in _SAME_MONEY:
            again.append((place, transfer))
        else:
            codes[place] = code_of(status.value)
    for place, is_same in _compare(act, again):
        codes[place] = REPEATED if is_same else "payment.id_reused"
    _record(act, columns, posted, held)
    return codes


CREATED = Status.CREATED
_SAME_MONEY = (Status.EXISTS, Status.EXISTS_WITH_DIFFERENT_USER_DATA_128)
"""A transfer with this id is there, of the same amount between the same accounts. Its number always
differs, as each try draws a new one; whether its words do is looked up."""


def _first_number(act: Act) -> int:
    """The number of a batch's first payment; 8,192 of them follow one another."""
    return act.new_number() >> 13 << 13 | 1 << 13


def _compare(act: Act, again: Sequence[tuple[int, Transfer]]) -> Iterator[tuple[int, bool]]:
    """Whether what was posted before says the same as what is offered now, by place."""
    kept = lookup_transfers(act.tx, [transfer.id for _, transfer in again])
    for (place, transfer), found in zip(again, kept, strict=True):
        assert found is not None, transfer
        yield place, found.user_data_64 == transfer.user_data_64


def post_one(
    act: Act, *, payer_id: str, payee: str, amount_minor: int, currency: str, purpose: str = "",
    remark: str = "", payment_id: str = "",
) -> tuple[int, bool]:  # fmt: skip
    """Post one payment; its transfer's id, and whether it was posted before.

    Refused: the codes of ``rules.batch.REASON_CODES``.
    """
    payer_account = account_of(payer_id, currency)
    if payment_id:
        number = transfer_id_of(payer_account, payment_id)
    else:
        number = act.new_number()
        payment_id = f"{number:032x}"
    columns = Columns(
        ids=(number,),
        payment_ids=(payment_id,),
        payers=(payer_id,),
        payees=(payee,),
        payer_accounts=(payer_account,),
        payee_accounts=(account_of(payee, currency),),
        amounts=(amount_minor,),
        currency=currency,
        purposes=(purpose,),
        remarks=(remark,),
    )
    (code,) = post_payments(act, columns)
    if code not in (POSTED, REPEATED):
        raise Refused(code, REASON_CODES[code])
    return number, code == REPEATED


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
    named = {
        account
        for texts, accounts in (
            (columns.payers, columns.payer_accounts),
            (columns.payees, columns.payee_accounts),
        )
        for text, account in zip(texts, accounts, strict=True)
        if len(text) == NUMBER_LENGTH and is_number(text)
    }
    if not named:
        return {}
    ids = sorted(named)
    code = chart().account("customer_deposit")
    strangers: set[int] = set()
    for number, found in zip(ids, lookup_accounts(act.tx, ids), strict=True):
        if found is not None and found.code != code:
            strangers.add(number)
    if not strangers:
        return {}
    pairs = enumerate(zip(columns.payer_accounts, columns.payee_accounts, strict=True))
    return {at: "payment.not_a_wallet" for at, pair in pairs if strangers.intersection(pair)}


def hold_wallets(act: Act, accounts: Collection[int]) -> Held:
    """Lock the wallets on record among ``accounts``, and fetch what their limits are held against.

    One statement where none of them has a limit; up to three more otherwise.
    """
    rows = act.tx.all(tables.LOCK_WALLETS, ids=[tables.blob(number) for number in accounts])
    by_number = tiers().by_number
    bounded, closed = {}, set()
    for row in rows:
        number, tier = int.from_bytes(row.account_id, "big"), by_number[row.tier]
        if row.status != "open":
            closed.add(number)
        elif tier.is_bounded:
            bounded[number] = tier
    if not bounded:
        return Held(closed=closed)
    ids = list(bounded)
    today = act.today.isoformat()
    used = act.tx.all(tables.READ_USAGE, ids=[tables.blob(one) for one in ids], day=today)
    spent = {int.from_bytes(row.account_id, "big"): row.spent_minor for row in used}
    balances = {
        found.id: found.credit_balance_minor + found.credits_pending_minor
        for found in lookup_accounts(act.tx, ids)
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
    found = lookup_transfers(act.tx, [columns.ids[at] for at in places])
    return {at for at, transfer in zip(places, found, strict=True) if transfer is not None}


def _transfers(columns: Columns, places: Sequence[int], first: int) -> list[Transfer]:
    """The transfers of payments at ``places``; their numbers count on from ``first``."""
    code, currency = chart().transfer("payment"), columns.currency
    ids, payers, payees = columns.ids, columns.payer_accounts, columns.payee_accounts
    amounts = columns.amounts
    digests: Sequence[int] = (0,) * len(ids)
    if columns.purposes or columns.remarks:
        known = lru_cache(maxsize=None)(words_of)
        digests = list(map(known, columns.purposes, columns.remarks))
    return [
        Transfer(
            ids[at],
            payers[at],
            payees[at],
            amounts[at],
            currency,
            code,
            user_data_128=first + at,
            user_data_64=digests[at],
        )
        for at in places
    ]


def _record(act: Act, columns: Columns, posted: Sequence[tuple[int, Transfer]], held: Held) -> None:
    """Write the rows of what was posted, and what it used of daily limits."""
    if not posted:
        return
    has_words = bool(columns.purposes)
    payment_ids, payers, payees = columns.payment_ids, columns.payers, columns.payees
    rows = [
        {
            "number": transfer.user_data_128.to_bytes(16, "big"),
            "payment_id": payment_ids[at],
            "payer_id": payers[at],
            "payee_id": payees[at],
            "purpose": columns.purposes[at] if has_words else "",
            "remark": columns.remarks[at] if has_words else "",
            "original_id": None,
        }
        for at, transfer in posted
    ]
    act.tx.run_many(payment.INSERT_PAYMENT, rows)
    if held.tiers:
        spent = [(transfer.debit_account_id, transfer.amount_minor) for _, transfer in posted]
        count_usage(act, held, spent)


def count_usage(act: Act, held: Held, spent: Iterable[tuple[int, int]]) -> None:
    """Add payments (account, amount in minor units) to what wallets with a daily limit spent."""
    sums: dict[int, list[int]] = {}
    for account, amount in spent:
        tier = held.tiers.get(account)
        if tier is not None and tier.daily_minor_max is not None:
            total = sums.setdefault(account, [0, 0])
            total[0] += amount
            total[1] += 1
    rows = [
        {
            "account_id": tables.blob(account),
            "day": act.today.isoformat(),
            "spent_minor": total[0],
            "payments": total[1],
        }
        for account, total in sorted(sums.items())
    ]
    if rows:
        act.tx.run_many(tables.ADD_USAGE, rows)
