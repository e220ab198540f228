"""A device in a folder: its key, its allowances, and the vouchers it gave and took.

What is written is durable before it is used, and two commands on one folder wait for each other:
an honest device must not spend the same money twice by accident.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from puhui.offline import OfflineVoucher, Purse, Request, RevocationList

FILE, LOCK = "wallet.json", "wallet.lock"
TEXT_BYTES_MAX = 400_000


@dataclass(slots=True)
class DeviceFile:
    """What a device keeps; keys and digests in hex, papers as their texts.

    ``purses`` are (allowance text, counter, spent, previous); ``taken`` maps a payment's text to
    what became of it when last synchronised ("" before); ``granting`` is an allowance asked for
    of which no answer was kept yet.
    """

    secret: str
    party_id: str
    account_id: str
    currency: str
    operator_key: str
    granted: int = 0
    granting: dict[str, Any] = field(default_factory=dict)
    revoked: str = ""
    purses: list[list[Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)

    def purse_list(self) -> list[Purse]:
        """The purses, those that end first before others."""
        from puhui.offline import Purse
        from puhui.offline.window import read_allowance

        found = [
            Purse(read_allowance(text), counter, spent_minor, bytes.fromhex(previous))
            for text, counter, spent_minor, previous in self.purses
        ]
        return sorted(found, key=lambda purse: (purse.allowance.expires_us, purse.allowance.id))

    def keep_purse(self, text: str, purse: Purse) -> None:
        """Keep a purse in the place of the one with the same allowance."""
        row = [text, purse.counter, purse.spent_minor, purse.previous.hex()]
        self.purses = [one for one in self.purses if one[0] != text] + [row]

    def held(self) -> list[OfflineVoucher]:
        """The vouchers taken."""
        from puhui.offline.window import read_voucher

        return [read_voucher(text) for text in self.taken]

    def request_for(self, nonce: bytes) -> tuple[str, Request]:
        """The request of the device with ``nonce``. Refused: ``offline.wrong_nonce``."""
        from puhui.kernel.errors import Refused
        from puhui.offline.window import read_request

        for text in self.asked:
            request = read_request(text)
            if request.nonce == nonce:
                return text, request
        raise Refused("offline.wrong_nonce", "This answers no open request of this device.")

    def revocations(self) -> RevocationList | None:
        """The list of revocations that the device holds."""
        from puhui.offline.window import read_list

        return read_list(self.revoked) if self.revoked else None


@contextmanager
def device_in(folder: Path) -> Iterator[DeviceFile]:
    """The device in ``folder``, locked; what the block changed is kept when it ends well.

    Refused: ``offline.no_device``.
    """
    from puhui.kernel.errors import Refused

    path = folder / FILE
    if not path.exists():
        raise Refused("offline.no_device", f"There is no {path}: puhui offline open makes one.")
    with _locked(folder):
        device = DeviceFile(**json.loads(path.read_text("utf-8")))
        yield device
        keep(folder, device)


def make_device(folder: Path, device: DeviceFile) -> None:
    """Make a device in ``folder``. Refused: ``offline.device_exists``."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder):
        check_free(folder)
        keep(folder, device)


def check_free(folder: Path) -> None:
    """Whether a device may be made in ``folder``. Refused: ``offline.device_exists``."""
    from puhui.kernel.errors import Refused

    if (folder / FILE).exists():
        raise Refused("offline.device_exists", f"There is a device in {folder} already.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def keep(folder: Path, device: DeviceFile) -> None:
    """Write the device whole and durably, readable by its owner alone."""
    told = {name: getattr(device, name) for name in DeviceFile.__slots__}
    part = folder / f".{FILE}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", closefd=False) as file:
            json.dump(told, file, indent=1)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(part, folder / FILE)
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def text_in(file: str) -> str:
    """The text of a paper in a file, or on stdin for "-"; only line ends are cut, as a code may
    end with a space.
    """
    if file == "-":
        text = sys.stdin.read(TEXT_BYTES_MAX)
    else:
        with open(file, encoding="ascii", errors="replace") as found:
            text = found.read(TEXT_BYTES_MAX)
    return text.strip("\r\n")
