"""Batches of payments: up to 8,190 in one act, each refused or posted by itself."""

from __future__ import annotations

from itertools import repeat

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.payment.desk.post import Columns, account_key, post_payments, transfer_keys
from puhui.payment.nouns.pay import BatchPaid, PayBatch
from puhui.payment.rules.batch import POSTED, REPEATED
from puhui.payment.rules.wallet import check_currency


@use_case("payment.pay_batch", roles=("operator", "system"), batch="payment_ids")
def pay_batch(act: Act, input: PayBatch) -> BatchPaid:
    """Post a batch of payments in order; what cannot be posted is answered as data, one by one.

    A payment is named by its payer and its payment id: one that was posted before, in this batch
    or in any other, is answered as a repeat where it is the same in everything and refused as
    ``payment.id_reused`` otherwise. Refused: ``payment.bad_columns``, ``payment.no_currency``.
    """
    columns = columns_of(input)
    codes = post_payments(act, columns)
    repeated, refused = [], []
    posted = codes.count(POSTED)
    posted_minor = sum(columns.amounts) if posted == len(codes) else 0
    for place, code in enumerate(codes if posted < len(codes) else ()):
        if code == POSTED:
            posted_minor += columns.amounts[place]
        elif code == REPEATED:
            repeated.append(place)
        else:
            refused.append((place, code))
    if posted:
        payload = {"posted": posted, "posted_minor": posted_minor, "currency": input.currency}
        act.emit("payment.batch_paid", act.key, payload)
    return BatchPaid(posted, posted_minor, tuple(repeated), tuple(refused))


def columns_of(input: PayBatch) -> Columns:
    """The columns of a batch with accounts and transfers in their places.

    Refused: ``payment.bad_columns`` where they differ in length, ``payment.no_currency``.
    """
    check_currency(input.currency)
    count = len(input.payment_ids)
    needed = (input.payers, input.payees, input.amounts_minor)
    free = (input.purposes, input.remarks)
    if any(len(one) != count for one in needed) or any(len(one) not in (0, count) for one in free):
        raise Refused("payment.bad_columns", "The columns of a batch are of equal length.")
    has_words = any(input.purposes) or any(input.remarks)
    blank = ("",) * count
    payer_accounts = list(map(account_key, input.payers, repeat(input.currency)))
    return Columns(
        ids=transfer_keys(payer_accounts, input.payment_ids),
        payment_ids=input.payment_ids,
        payers=input.payers,
        payees=input.payees,
        payer_accounts=payer_accounts,
        payee_accounts=list(map(account_key, input.payees, repeat(input.currency))),
        amounts=input.amounts_minor,
        currency=input.currency,
        purposes=(input.purposes or blank) if has_words else (),
        remarks=(input.remarks or blank) if has_words else (),
    )
