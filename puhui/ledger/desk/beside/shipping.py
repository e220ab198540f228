"""Shipping (异地副本): the log of the ledger is copied to a second place while it is written.

What a copy lacks is lost with the first folder, unless the store is still there: of an act that
the copy does not hold yet the store keeps the intent, so whoever opens the node on a restored log
makes those transfers, and the accounts they need, again. Where both are lost, what was answered
since the last shipping is lost: a few seconds.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from puhui.kernel.act import Act
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.event import upkeep
from puhui.kernel.node import Node
from puhui.ledger.arrays.record import ACCOUNT, Records, numbers_of
from puhui.ledger.desk.beside.outside import OutsideLedger
from puhui.ledger.engines import LedgerEngine
from puhui.ledger.engines.log.ship import (
    CopyState,
    Shipped,
    Shipper,
    copy_state,
    read_there,
    restore,
)
from puhui.ledger.nouns import Account
from puhui.ledger.tables import intent

LOGGER = logging.getLogger("puhui.ledger")
_IMPORTED = np.uint16(Account.IMPORTED)
OPENED = "accounts"
"""What stands in an intent instead of holds where it is about accounts that were opened."""


@contextmanager
def _alone(to: Path) -> Iterator[None]:
    """Nobody else brings the copy up to date meanwhile. Refused: ``ledger.ship_in_use``.

    The folder is never made here: where a disk or a share is not mounted, it is not there, and a
    copy beside the log would be none.
    """
    lock = os.open(to, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused("ledger.ship_in_use", f"Another process ships to {to} now.") from None
    finally:
        os.close(lock)


def ship_log(folder: Path, to: Path) -> Shipped:
    """Copy what is new in the log in ``folder`` to ``to``, now.

    Refused: ``ledger.no_log``, ``ledger.ship_in_use``. Fault: ``ledger.log_damaged``,
    ``ledger.ship_failed``.
    """
    _check_log(folder)
    try:
        with _alone(to):
            return Shipper(folder, to).ship()
    except OSError as error:
        raise _failed(to, error) from None


def shipped_state(folder: Path, to: Path) -> CopyState:
    """How far the copy in ``to`` goes, and what losing ``folder`` now would cost.

    Refused: ``ledger.no_log``. Fault: ``ledger.log_damaged``.
    """
    _check_log(folder)
    return copy_state(folder, to)


def restore_log(copy: Path, folder: Path) -> int:
    """Make a log in ``folder``, empty or not there, out of a copy; the sequence of its last frame.

    Every frame is read again. Refused: ``ledger.folder_in_use``, ``ledger.no_copy``. Fault:
    ``ledger.log_damaged``.
    """
    if not copy.is_dir() or not any(copy.glob("*-*.*")):
        raise Refused("ledger.no_copy", f"There is no copy of a log in {copy}.")
    return restore(copy, folder)


def prune_log(folder: Path, copy: Path) -> tuple[int, int]:
    """Free the room of full segments that the copy holds, which are read there from now on; how
    many, and their bytes.

    Refused: ``ledger.no_log``, ``ledger.no_copy``, ``ledger.log_in_use``, ``ledger.not_shipped``.
    Fault: ``ledger.log_damaged``.
    """
    _check_log(folder)
    if not copy.is_dir():
        raise Refused("ledger.no_copy", f"There is no copy of a log in {copy}.")
    return read_there(folder, copy)


def _check_log(folder: Path) -> None:
    if not any(folder.glob("segment-*.log")):
        raise Refused("ledger.no_log", f"There is no log of the ledger in {folder}.")


def _failed(to: Path, error: OSError) -> Fault:
    return Fault("ledger.ship_failed", f"The copy in {to} cannot be written: {error.strerror}.")


@dataclass(slots=True)
class Shipping:
    """A node's shipping: what it copies, where to, and whether the last try went well.

    One thread at a time ships; ``failed`` is empty, or says why the last try did not succeed.
    """

    outside: OutsideLedger
    folder: Path
    to: Path
    failed: str = ""
    _shipper: Shipper | None = field(default=None)

    def ship(self) -> Shipped | None:
        """Bring the copy up to date; None, and a word in the log, where that fails.

        Nothing waits for it, and nothing stops: what the copy lacks goes with the next try.
        """
        with self.outside.lock:
            finished = len(self.outside.tokens.uncopied)
        try:
            with _alone(self.to):
                self._shipper = self._shipper or Shipper(self.folder, self.to)
                done = self._shipper.ship()
        except (Fault, Refused, OSError) as error:
            # Begun anew next time: what was noted of the copy may not be what is there.
            self._shipper, said = None, str(error)
            if said != self.failed:
                LOGGER.warning("The ledger is not shipped: %s; trying again", said)
            self.failed = said
            return None
        self.failed = ""
        with self.outside.lock:
            tokens = self.outside.tokens
            tokens.done += tokens.uncopied[:finished]
            del tokens.uncopied[:finished]
        return done

    def end(self) -> None:
        """Bring the copy up to date for the last time: the engine is closed by now."""
        self.ship()


@dataclass(slots=True)
class Opened:
    """Accounts that an act opened, and the intent that keeps them until the copy holds them."""

    outside: OutsideLedger
    token: bytes
    ids: tuple[int, ...]

    def confirm(self) -> None:
        """They are there; the intent goes once they are in the copy."""
        with self.outside.lock:
            self.outside.tokens.finish(self.token)
            self.outside.tokens.unnoted.difference_update(self.ids)

    def undo(self) -> None:
        """The intent went with the act; the accounts stay, empty."""

    def doubt(self) -> None:
        """The intent may be there: to drop it changes nothing where it is not."""
        with self.outside.lock:
            self.outside.tokens.finish(self.token)


def keep_opened(outside: OutsideLedger, act: Act, records: Records, is_new: Sequence[bool]) -> None:
    """Where the log is shipped, note the accounts ``records`` ``(n,) ACCOUNT`` of an act until the
    copy has them: those that ``is_new``, and those that an act opened which was refused.
    """
    tokens = outside.tokens
    if not tokens.is_shipped:
        return
    ids = numbers_of(records["id_lo"], records["id_hi"])
    with outside.lock:
        tokens.unnoted.update(one for one, new in zip(ids, is_new, strict=True) if new)
        wanted = [one in tokens.unnoted for one in ids]
        if not any(wanted):
            return
        token = tokens.new()
    made = records[wanted].copy()
    made["time_ns"][made["flags"] & _IMPORTED == 0] = act.now_us * 1000
    noted = tuple(one for one, is_wanted in zip(ids, wanted, strict=True) if is_wanted)
    act.outside.append(Opened(outside, token, noted))
    act.tx.put(intent.ADD_INTENT, token=token, records=made.tobytes(), holds=OPENED)


def open_again(engine: LedgerEngine, text: bytes) -> None:
    """Open the accounts of an intent; those that are there stay as they are."""
    records = np.frombuffer(text, dtype=ACCOUNT).copy()
    # After the times of imported ones, which stay what they are.
    now_ns = int(records["time_ns"].max()) + len(records)
    records["time_ns"][records["flags"] & _IMPORTED == 0] = 0
    engine.create_accounts(records, now_ns)


def begin_shipping(node: Node, outside: OutsideLedger, folder: Path, to: Path) -> None:
    """Ship from now on: at once, in the node's upkeep, and when it is closed."""
    shipping = Shipping(outside, folder, to)
    node.ports[Shipping] = shipping
    node.at_close.append(shipping.end)
    shipping.ship()


def _ship_due(node: Node) -> bool:
    """Ship what is new, where the node ships; nothing more is due until later."""
    shipping = node.ports.get(Shipping)
    if isinstance(shipping, Shipping):
        shipping.ship()
    return False


upkeep("ledger.ship", _ship_due)
