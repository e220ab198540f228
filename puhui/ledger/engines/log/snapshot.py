"""Snapshots of the ledger in memory, so that opening need not judge the whole log again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

VERSION = 2
KEEP = 2
"""Snapshots that are kept: should the newest be damaged, the one before it serves."""

Arrays = dict[str, NDArray[Any]]


def save_snapshot(
    folder: Path, sequence: int, checksum: bytes, arrays: Mapping[str, NDArray[Any]]
) -> Path:
    """Write ``arrays``, the state after the frame ``sequence``, whole and durable or not at all."""
    path = folder / f"snapshot-{sequence:016d}.npz"
    new = path.with_suffix(".new")
    mark = np.frombuffer(checksum, dtype=np.uint8)
    with new.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            snapshot_version=np.array([VERSION]),
            snapshot_sequence=np.array([sequence]),
            snapshot_checksum=mark,
            **arrays,
        )
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    _sync_folder(folder)
    for old in sorted(folder.glob("snapshot-*.npz"))[:-KEEP]:
        old.unlink()
    return path


def load_snapshot(
    folder: Path, checksum_of: Callable[[int], bytes | None]
) -> tuple[int, Arrays] | None:
    """The newest whole snapshot that belongs to this log: its frame's number and its arrays.

    ``checksum_of`` says which checksum the log's frame of a number has, None where it has none.
    A file that is damaged (each array has a checksum of its own), of another version or of another
    log is passed over: the log itself holds everything.
    """
    for path in sorted(folder.glob("snapshot-*.npz"), reverse=True):
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, KeyError, BadZipFile):
            continue
        sequence = int(arrays.pop("snapshot_sequence", np.zeros(1))[0])
        version = int(arrays.pop("snapshot_version", np.zeros(1))[0])
        checksum = arrays.pop("snapshot_checksum", np.zeros(1, np.uint8)).tobytes()
        if version == VERSION and checksum == checksum_of(sequence):
            return sequence, arrays
    return None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
