"""Movements between places as transfers: what is settled at once, and what a window keeps.

In a currency that settles gross each payment moves the payer's free funds to its position and the
payee's position to its free funds in the same chain, so that positions stay level. In one that
settles deferred the open window keeps what each position owes more or less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from puhui.exchange.desk.account import Place, funds_account
from puhui.exchange.nouns.participant import SettlementKind
from puhui.exchange.rules.position import Share, deferred
from puhui.exchange.tables import window as tables
from puhui.kernel.act import Act
from puhui.kernel.errors import Refused
from puhui.ledger import Transfer, chart

LINKED, PENDING = Transfer.LINKED, Transfer.PENDING
GROSS = SettlementKind.GROSS_CONTINUOUS


@dataclass(frozen=True, slots=True)
class Movement:
    """An amount from one place to another in one currency, minor units; ``name`` names its ids."""

    name: str
    payer: Place
    payee: Place
    amount_minor: int
    code: str = "exchange"

    @property
    def currency(self) -> str:
        """The currency of both places."""
        return self.payer.account.ledger


def transfer_id(name: str) -> int:
    """The id that belongs to a step of a movement for ever."""
    return Transfer.id_of(f"exchange:{name}")


def _plain(
    movement: Movement, step: str, debit_id: int, credit_id: int, *, code: str = ""
) -> Transfer:
    return Transfer(
        transfer_id(movement.name + step),
        debit_account_id=debit_id,
        credit_account_id=credit_id,
        amount_minor=movement.amount_minor,
        ledger=movement.currency,
        code=chart().transfer(code or movement.code),
        flags=LINKED,
    )


def to_payee(movement: Movement) -> list[Transfer]:
    """What settles the payee's side at once: out of its position into its free funds."""
    payee = movement.payee
    if payee.settlement_kind != GROSS:
        return []
    funds = funds_account(payee.position_id)
    return [
        _plain(movement, ":payee", payee.account.id, funds, code="position_settlement"),
    ]


def _from_payer(movement: Movement) -> list[Transfer]:
    payer = movement.payer
    if payer.settlement_kind != GROSS:
        return []
    funds = funds_account(payer.position_id)
    return [
        _plain(movement, ":payer", funds, payer.account.id, code="position_settlement"),
    ]


def paid_at_once(movement: Movement) -> list[Transfer]:
    """The transfers of a movement, each linked to the next one."""
    main = _plain(movement, "", movement.payer.account.id, movement.payee.account.id)
    return [main, *_from_payer(movement), *to_payee(movement)]


def chain_of(transfers: Sequence[Transfer]) -> list[Transfer]:
    """The transfers as one chain: all linked but the last."""
    *before, last = transfers
    return [*before, _unlinked(last)]


def _unlinked(transfer: Transfer) -> Transfer:
    return Transfer(
        transfer.id,
        debit_account_id=transfer.debit_account_id,
        credit_account_id=transfer.credit_account_id,
        amount_minor=transfer.amount_minor,
        ledger=transfer.ledger,
        code=transfer.code,
        flags=transfer.flags & ~LINKED,
        pending_id=transfer.pending_id,
        timeout_s=transfer.timeout_s,
    )


def held(movement: Movement, timeout_s: int) -> list[Transfer]:
    """The pendings of a movement: of the payer, and of the funds that settle it at once."""
    main = _plain(movement, "", movement.payer.account.id, movement.payee.account.id)
    return [
        Transfer(
            one.id,
            debit_account_id=one.debit_account_id,
            credit_account_id=one.credit_account_id,
            amount_minor=one.amount_minor,
            ledger=one.ledger,
            code=one.code,
            flags=LINKED | PENDING,
            timeout_s=timeout_s,
        )
        for one in [main, *_from_payer(movement)]
    ]


def ended(movement: Movement, flag: int) -> list[Transfer]:
    """The posts (or voids, by ``flag``) of what ``held`` made, and what settles the payee."""
    steps = ["", ":payer"] if movement.payer.settlement_kind == GROSS else [""]
    word = ":post" if flag == Transfer.POST else ":void"
    ends = [
        Transfer(
            transfer_id(movement.name + step + word),
            amount_minor=Transfer.ALL if flag == Transfer.POST else 0,
            flags=flag | LINKED,
            pending_id=transfer_id(movement.name + step),
        )
        for step in steps
    ]
    return [*ends, *to_payee(movement)] if flag == Transfer.POST else ends


def keep_for_settlement(act: Act, cause: str, movements: Iterable[Movement]) -> None:
    """Enter what positions owe by ``cause`` in the open windows of their currencies.

    Refused: ``exchange.no_window``.
    """
    sums = deferred(
        Share(
            place.position_id,
            place.settlement_kind,
            movement.currency,
            sign * movement.amount_minor,
        )
        for movement in movements
        for place, sign in ((movement.payer, 1), (movement.payee, -1))
        if place.position_id
    )
    if not sums:
        return
    currencies = sorted({currency for currency, _ in sums})
    rows = act.tx.all(tables.SHARE_OPEN_WINDOWS, currencies=currencies)
    windows = {row.currency: row.id for row in rows}
    if len(windows) < len(currencies):
        raise Refused("exchange.no_window", "This currency has no open window.")
    act.tx.run_many(
        tables.INSERT_ENTRY,
        [
            {
                "cause": cause,
                "position_id": position_id,
                "window_id": windows[currency],
                "owes_minor": owes_minor,
            }
            for (currency, position_id), owes_minor in sorted(sums.items())
        ],
    )
