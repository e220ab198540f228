"""What another room pays out of a wallet in its own chain, held to the wallet's limits."""

from __future__ import annotations

from puhui.kernel.act import Act
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Refused
from puhui.payment.desk.post import count_usage, hold_wallets
from puhui.payment.desk.wallet import wallet_account
from puhui.payment.rules.batch import REASON_CODES, judge_batch
from puhui.payment.rules.wallet import check_amount
from puhui.payment.tables import wallet as tables
from puhui.payment.tables.wallet import blob

_NOBODY = blob(0)


def spend(act: Act, party_id: str, currency: str, amount_minor: int) -> None:
    """Count what another room pays from a party's wallet (minor units) for the wallet's limits.

    The room moves the money itself; the wallet stays locked until the act ends. Refused:
    ``payment.bad_amount``, ``payment.wallet_closed``, ``payment.single_limit``,
    ``payment.daily_limit``.
    """
    check_amount(amount_minor)
    payer = blob(wallet_account(party_id, currency))
    held = hold_wallets(act, (payer,))
    refused = judge_batch(held, (payer,), (_NOBODY,), (amount_minor,))
    if refused:
        raise Refused(refused[0], REASON_CODES[refused[0]])
    count_usage(act, held, [(payer, amount_minor)])


def take_back(act: Act, party_id: str, currency: str, amount_minor: int, *, spent_us: int) -> None:
    """Count no more what ``spend`` counted at ``spent_us`` (microseconds UTC) and was not paid.

    Of another day nothing is given back: that day's limit is over. The wallet stays locked.
    """
    payer = blob(wallet_account(party_id, currency))
    hold_wallets(act, (payer,))
    day = business_date(spent_us)
    if day == act.today:
        act.tx.put(tables.TAKE_USAGE_BACK, id_=payer, day_=day.isoformat(), less_=amount_minor)
