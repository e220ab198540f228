"""Windows and their settlement: closed, netted and held, paid or given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from puhui.exchange.desk.account import funds_account, position_account
from puhui.exchange.desk.participant import STAFF, new_window
from puhui.exchange.desk.post import chain_of
from puhui.exchange.nouns.window import (
    CloseWindow,
    EndSettlement,
    Net,
    ReserveSettlement,
    SettlementLine,
    SettlementMoved,
    SettlementWindow,
    WindowClosed,
)
from puhui.exchange.rules import position as position_rules
from puhui.exchange.rules import settlement as rules
from puhui.exchange.tables import participant as participant_tables
from puhui.exchange.tables import window as tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.ledger import Transfer, chart, create_transfers, lookup_transfers
from puhui.party import check_actor


def window_of(row: Row) -> SettlementWindow:
    """The window of a row."""
    return SettlementWindow(**{name: getattr(row, name) for name in SettlementWindow.__slots__})


@use_case("exchange.close_window", roles=STAFF)
def close_window(act: Act, input: CloseWindow) -> WindowClosed:
    """Close a window, and open the next one of its currency in the same moment.

    Refused: ``exchange.unknown_window``, ``exchange.window_not_open``.
    """
    rows = act.tx.all(tables.LOCK_WINDOWS, ids=[input.window_id])
    if not rows:
        raise Refused("exchange.unknown_window", "There is no such window.")
    if rows[0].state != "open":
        raise Refused("exchange.window_not_open", "This window is closed already.")
    act.tx.put(tables.CLOSE_WINDOW, id_=input.window_id, now_us_=act.now_us)
    return WindowClosed(input.window_id, new_window(act, rows[0].currency))


def _transfer_id(settlement_id: str, position_id: str) -> int:
    return Transfer.id_of(f"exchange:{settlement_id}:{position_id}")


def _towards(line: SettlementLine, settlement_id: str, currency: str) -> Transfer:
    """What a line moves at most: free funds to the position that owes, or the other way round.

    It takes what is there; a participant that is short keeps nobody from being settled.
    """
    owes = line.net_minor > 0
    funds, position = funds_account(line.position_id), position_account(line.position_id)
    return Transfer(
        _transfer_id(settlement_id, line.position_id),
        debit_account_id=funds if owes else position,
        credit_account_id=position if owes else funds,
        amount_minor=abs(line.net_minor),
        ledger=currency,
        code=chart().transfer("position_settlement"),
        flags=Transfer.BALANCING_DEBIT | (Transfer.PENDING if owes else 0),
    )


def _pay(act: Act, settlement_id: str, lines: Sequence[SettlementLine], currency: str) -> None:
    """Make the transfers of lines, and put on record what each came to."""
    if not lines:
        return
    transfers = [_towards(line, settlement_id, currency) for line in lines]
    create_transfers(act, transfers, strict=True)
    made = lookup_transfers(act.tx, [transfer.id for transfer in transfers])
    for line, transfer in zip(lines, made, strict=True):
        assert transfer is not None, line
        act.tx.put(
            tables.PAY_LINE,
            settlement_id_=settlement_id,
            position_id_=line.position_id,
            paid_minor_=transfer.amount_minor,
        )


def lines_of(tx: Transaction, settlement_id: str) -> tuple[SettlementLine, ...]:
    """The lines of a settlement, by position."""
    rows = tx.all(tables.READ_LINES, settlement_id=settlement_id)
    return tuple(SettlementLine(row.position_id, row.net_minor, row.paid_minor) for row in rows)


@use_case("exchange.reserve_settlement", roles=STAFF)
def reserve_settlement(act: Act, input: ReserveSettlement) -> SettlementMoved:
    """Net closed windows of one currency, and hold of each that owes what its free funds allow.

    Refused: ``exchange.no_windows``, ``exchange.unknown_window``, ``exchange.other_currency``,
    ``exchange.window_not_closed``, ``exchange.currency_closed``, ``exchange.mixed_settlement`` for
    a currency that settles gross and so has no windows.
    """
    found = act.tx.one(participant_tables.READ_CURRENCY, currency=input.currency)
    if found is None:
        raise Refused("exchange.currency_closed", f"{input.currency[:10]!r} is not open here.")
    position_rules.check_kind("net_deferred", found.settlement_kind)
    rows = act.tx.all(tables.LOCK_WINDOWS, ids=sorted(input.window_ids)) if input.window_ids else []
    rules.check_windows([window_of(row) for row in rows], input.window_ids, input.currency)
    settlement_id = act.new_id("settlement")
    act.tx.put(
        tables.INSERT_SETTLEMENT,
        id=settlement_id,
        currency=input.currency,
        state="reserved",
        made_us=act.now_us,
    )
    act.tx.put(tables.INSERT_MAKER, settlement_id=settlement_id, actor=act.actor)
    _move_windows(act, [row.id for row in rows], "settling", settlement_id)
    sums = act.tx.all(tables.READ_NETS, ids=[row.id for row in rows])
    nets = rules.netted([Net(row.position_id, row.net_minor) for row in sums])
    lines = [SettlementLine(net.position_id, net.net_minor, 0) for net in nets]
    if lines:
        act.tx.run_many(
            tables.INSERT_LINE,
            [
                {
                    "settlement_id": settlement_id,
                    "position_id": line.position_id,
                    "net_minor": line.net_minor,
                    "paid_minor": 0,
                }
                for line in lines
            ],
        )
    _pay(act, settlement_id, [line for line in lines if line.net_minor > 0], input.currency)
    return SettlementMoved(settlement_id, "reserved", lines_of(act.tx, settlement_id))


def _move_windows(act: Act, ids: Sequence[str], state: str, settlement_id: str | None) -> None:
    act.tx.run_many(
        tables.MOVE_WINDOW,
        [{"id_": one, "state_": state, "settlement_id_": settlement_id} for one in ids],
    )


def _take(act: Act, settlement_id: str, state: str) -> Row | None:
    """A reserved settlement, locked; None where it has come to ``state`` already."""
    row = act.tx.one(tables.LOCK_SETTLEMENT, id=settlement_id)
    if row is None:
        raise Refused(
            "exchange.unknown_settlement", f"There is no settlement {settlement_id[:60]}."
        )
    if row.state == state:
        return None
    if row.state != "reserved":
        raise Refused("exchange.settlement_ended", f"This settlement is {row.state} already.")
    return row


def _end(act: Act, row: Row, flag: int) -> None:
    """Post or void what is held of those who owe."""
    word = "post" if flag == Transfer.POST else "void"
    held = [line for line in lines_of(act.tx, row.id) if line.net_minor > 0]
    transfers = [
        Transfer(
            Transfer.id_of(f"exchange:{row.id}:{line.position_id}:{word}"),
            amount_minor=line.paid_minor,
            flags=flag | Transfer.LINKED,
            pending_id=_transfer_id(row.id, line.position_id),
        )
        for line in held
    ]
    if transfers:
        create_transfers(act, chain_of(transfers), strict=True)


@use_case("exchange.settle", roles=STAFF)
def settle(act: Act, input: EndSettlement) -> SettlementMoved:
    """Pay a reserved settlement: every position moves by its net, and its windows are settled.

    Whose funds were short keeps less cover, so its cap in force falls; who has spent what came in
    keeps more, until it is paid out by ``set_cap``. Another person than who reserved it pays it;
    giving it up is free to both. Refused: ``exchange.unknown_settlement``,
    ``exchange.settlement_ended``, ``party.four_eyes``, ``party.user_disabled``,
    ``party.unknown_user``.
    """
    row = _take(act, input.settlement_id, "settled")
    if row is None:
        return SettlementMoved(
            input.settlement_id, "settled", lines_of(act.tx, input.settlement_id)
        )
    maker = act.tx.one(tables.READ_MAKER, settlement_id=row.id)
    check_actor(act.tx, act.actor, second_to=None if maker is None else maker.actor)
    _end(act, row, Transfer.POST)
    owed = [line for line in lines_of(act.tx, row.id) if line.net_minor < 0]
    _pay(act, row.id, owed, row.currency)
    lines = lines_of(act.tx, row.id)
    _move_covers(act, lines)
    ids = [one.id for one in act.tx.all(tables.LOCK_WINDOWS_OF, settlement_id=row.id)]
    _move_windows(act, ids, "settled", row.id)
    act.tx.put(tables.MOVE_SETTLEMENT, id_=row.id, state_="settled")
    act.emit("exchange.settled", row.id, {"currency": row.currency, "lines": len(lines)})
    return SettlementMoved(row.id, "settled", lines)


def _move_covers(act: Act, lines: Sequence[SettlementLine]) -> None:
    changes = {line.position_id: rules.cover_change(line) for line in lines}
    moved = sorted(position_id for position_id, change in changes.items() if change)
    if not moved:
        return
    for position in act.tx.all(participant_tables.LOCK_POSITIONS, ids=moved):
        act.tx.put(
            participant_tables.SET_COVER,
            id_=position.id,
            cap_minor_=position.cap_minor,
            cover_minor_=position.cover_minor + changes[position.id],
        )


@use_case("exchange.abort_settlement", roles=STAFF)
def abort_settlement(act: Act, input: EndSettlement) -> SettlementMoved:
    """Give a reserved settlement up: what was held comes back, its windows may be settled anew.

    Refused: ``exchange.unknown_settlement``, ``exchange.settlement_ended``.
    """
    row = _take(act, input.settlement_id, "aborted")
    if row is not None:
        _end(act, row, Transfer.VOID)
        ids = [one.id for one in act.tx.all(tables.LOCK_WINDOWS_OF, settlement_id=row.id)]
        _move_windows(act, ids, "closed", None)
        act.tx.put(tables.MOVE_SETTLEMENT, id_=row.id, state_="aborted")
    lines = tuple(replace(one, paid_minor=0) for one in lines_of(act.tx, input.settlement_id))
    return SettlementMoved(input.settlement_id, "aborted", lines)
