"""Payment (支付): wallets with tiers and limits, payments, codes to scan, and files of payments."""

from puhui.payment.desk import batch as _batch  # noqa: F401  registers its use case
from puhui.payment.desk import code as _code  # noqa: F401  registers its use cases
from puhui.payment.desk import hold as _hold  # noqa: F401  registers its use cases
from puhui.payment.desk import number as numbers
from puhui.payment.desk import order as _order  # noqa: F401  registers its use cases
from puhui.payment.desk import pay as _pay  # noqa: F401  registers its use cases
from puhui.payment.desk import promise as _promise  # noqa: F401  registers its use cases
from puhui.payment.desk import request as _request  # noqa: F401  registers its use cases
from puhui.payment.desk.read import statement
from puhui.payment.desk.spend import spend, take_back
from puhui.payment.desk.wallet import admit, own_account, owners_of, room_in, wallet_account
from puhui.payment.nouns import PaymentLine

__all__ = [
    "PaymentLine",
    "wallet_account",
    "own_account",
    "admit",
    "owners_of",
    "room_in",
    "spend",
    "take_back",
    "statement",
    "numbers",
]
