"""Drafts: what is written appears whole, and what a killed run left is cleared by the next one.

A draft lies hidden beside its target, and who writes it holds a lock on it. The lock ends with its
process, however that ends, on whatever machine or in whatever container it ran; so a draft that
can be locked belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

TRIES = 8
WITHIN = "rows"
"""In a folder's draft: what takes the name. The lock stays on the folder around it."""


@contextmanager
def drafted(target: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """Where to write what shall be ``target``: it takes the name when the block ends well.

    A file is there, empty, to be written over in place; a folder is not there yet. The folder
    that ``target`` stands in is made where it is missing. Whatever ends the block early, the
    draft goes. OSError as the disk tells it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_drafts(target)
    draft, lock = _make(target, is_folder)
    try:
        yield draft / WITHIN if is_folder else draft
        if is_folder:
            (draft / WITHIN).replace(target)
        else:
            os.fsync(lock)
            draft.replace(target)
    finally:
        _remove(draft)
        os.close(lock)


def clear_drafts(target: Path) -> int:
    """Clear away the drafts of ``target`` that no living process writes; how many they were."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]+\.draft")
    cleared = 0
    with suppress(OSError):
        for name in os.listdir(target.parent):
            if pattern.fullmatch(name):
                cleared += _clear(target.parent / name)
    return cleared


def _clear(draft: Path) -> bool:
    try:
        lock = os.open(draft, _flags(draft.is_dir()))
    except OSError:  # a link, gone meanwhile, or not ours to open
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(draft)
    except OSError:  # somebody writes it, or this disk knows no locks
        return False
    finally:
        os.close(lock)
    return True


def _flags(is_folder: bool) -> int:
    return os.O_NOFOLLOW | (os.O_RDONLY | os.O_DIRECTORY if is_folder else os.O_RDWR)


def _make(target: Path, is_folder: bool) -> tuple[Path, int]:
    """A new draft and the descriptor that locks it.

    Another run may clear a draft in the moment before it is locked: then another one is made.
    """
    for _ in range(TRIES):
        draft = target.with_name(f".{target.name}.{token_hex(4)}.draft")
        if is_folder:
            draft.mkdir()
        else:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        with suppress(FileNotFoundError):
            lock = os.open(draft, _flags(is_folder))
            if _is_held(draft, lock):
                return draft, lock
            os.close(lock)
    raise OSError(f"No draft beside {target.name} could be kept.")


def _is_held(draft: Path, lock: int) -> bool:
    """Whether the draft is locked, or cannot be by anybody, and still stands where it stood."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk that knows no locks: then nobody clears it either
        pass
    return draft.exists() and os.path.samestat(draft.stat(), os.fstat(lock))


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)
