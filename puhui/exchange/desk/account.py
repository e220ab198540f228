"""The accounts behind the ends of a payment, and who may stand there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from puhui import payment
from puhui.exchange.rules.leg import End
from puhui.exchange.rules.position import check_currency
from puhui.exchange.tables import participant as tables
from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.ledger import Account, Transfer, chart, create_transfers
from puhui.party import take_parties

_LIMITED = Account.DEBITS_MUST_NOT_EXCEED_CREDITS


def own_account(name: str, currency: str) -> Account:
    """One of the operator's own accounts, as the ledger opens it: ``funding``, ``fee_income``."""
    return Account(payment.own_account(name, currency), currency, chart().account(name))


def wallet(party_id: str, currency: str) -> Account:
    """A party's wallet as the ledger opens it: no more goes out than is in."""
    code = chart().account("customer_deposit")
    number = payment.wallet_account(party_id, currency)
    return Account(number, currency, code, flags=_LIMITED)


def position_id_of(participant_id: str, currency: str) -> str:
    """The id of a participant's position in one currency."""
    return f"{participant_id}:{currency}"


def position_account(position_id: str) -> int:
    """The number of the account that holds a position's cover less what is owed."""
    return Account.id_of(f"position:{position_id}")


def funds_account(position_id: str) -> int:
    """The number of the account that holds a participant's free funds in one currency."""
    return Account.id_of(f"participant_funds:{position_id}")


def accounts_of_position(position_id: str, currency: str) -> tuple[Account, Account]:
    """The accounts of a position, as the ledger opens them; neither can fall below nought."""
    position = chart().account("participant_position")
    funds = chart().account("participant_funds")
    return (
        Account(position_account(position_id), currency, position, flags=_LIMITED),
        Account(funds_account(position_id), currency, funds, flags=_LIMITED),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """An end of a payment in the ledger: the account, and the position where it is one."""

    account: Account
    position_id: str = ""
    settlement_kind: str = ""


def find_places(
    act: Act, ends: Iterable[tuple[End, str]], *, may_be_suspended: bool = False
) -> dict[tuple[End, str], Place]:
    """The places of ends, each in its currency; positions stay as they are until the act ends.

    Refused: ``exchange.no_position``, ``exchange.participant_suspended``,
    ``exchange.unknown_currency``.
    """
    places: dict[tuple[End, str], Place] = {}
    wanted: dict[str, tuple[End, str]] = {}
    for end, currency in ends:
        check_currency(currency)
        if end.kind == "party":
            places[end, currency] = Place(wallet(end.id, currency))
        else:
            wanted[position_id_of(end.id, currency)] = (end, currency)
    if not wanted:
        return places
    for row in act.tx.all(tables.SHARE_POSITIONS, ids=sorted(wanted)):
        if row.status != "active" and not may_be_suspended:
            raise Refused("exchange.participant_suspended", "This participant is suspended.")
        account = accounts_of_position(row.id, row.currency)[0]
        places[wanted.pop(row.id)] = Place(account, row.id, row.settlement_kind)
    if wanted:
        raise Refused("exchange.no_position", f"There is no position {min(wanted)[:60]}.")
    return places


def move(
    act: Act,
    transfers: Sequence[Transfer],
    *,
    short: tuple[str, str],
    opening: Sequence[Account] = (),
) -> None:
    """Make every one of ``transfers``, or none; ``short`` is the code and the words where an
    account has too little.
    """
    try:
        create_transfers(act, transfers, strict=True, opening=opening)
    except Refused as refused:
        if refused.code == "ledger.exceeds_credits":
            raise Refused(*short) from None
        raise


def check_parties(act: Act, ends: Iterable[End]) -> None:
    """Whether every party at an end is there, and stays until the act ends.

    Refused: ``exchange.unknown_party``, also for one that was erased.
    """
    wanted = sorted({end.id for end in ends if end.kind == "party"})
    found = take_parties(act, wanted)
    if any(one not in found or found[one].is_erased for one in wanted):
        raise Refused("exchange.unknown_party", "There is no such party.")


def admit_ends(act: Act, payer: tuple[End, str], payee: tuple[End, str], amount_minor: int) -> None:
    """Whether the payer's wallet is open, and the payee's may take in ``amount_minor`` more.

    Each is an end with its currency. Wallets are locked in the order of their numbers until the
    act ends. Refused: ``payment.wallet_closed``, ``payment.tier_balance``.
    """
    wallets = [
        (payment.wallet_account(end.id, currency), end.id, currency, minor)
        for (end, currency), minor in ((payer, 0), (payee, amount_minor))
        if end.kind == "party"
    ]
    for _, party_id, currency, minor in sorted(wallets):
        payment.admit(act.tx, party_id, currency, minor)
