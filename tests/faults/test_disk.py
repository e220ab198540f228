"""Full disks, read-only folders and a disk that lies: clear codes, nothing answered is lost.

Goal: the node tells what is wrong, keeps what it has answered, and goes on when it is mended.
Method: a small file system in memory and a mount that turns read-only where the machine lets us,
a limit on the size of files where it does not, and a shim that makes ``fsync`` fail.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from puhui.kernel import Fault, Node
from puhui.kernel.store import sqlite
from puhui.kernel.store.journal import read_journal
from puhui.node import open_node
from tests.conftest import KEYS
from tests.faults.conftest import Child
from tests.faults.load import open_at
from tests.faults.sample import CLERK, Sample, numbers_of, rows_of, sample_use_cases
from tests.tidy.tree import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("samples")]
NO_ROOM = ("kernel.disk_full", "kernel.not_durable")

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int fails(void) {
    const char *flag = getenv("FSYNC_FAILS_WHILE");
    return flag && access(flag, F_OK) == 0;
}
int fsync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""


def mount(*words: str) -> None:
    """Mount something; the test is skipped, saying so, where this machine does not let us."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")


@contextlib.contextmanager
def mounted(folder: Path, *words: str) -> Iterator[Path]:
    """A mounted folder that is let go afterwards."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    folder.mkdir()
    mount(*words, str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def add(node: Node, number: int, filling: int = 0) -> str:
    """Add a row; what the caller hears, in a word."""
    sample = Sample(number, filling=filling)
    try:
        made = node.act("fault.add", sample, key=f"k{number}", actor=CLERK)
    except Fault as fault:
        return fault.code
    return str(made.number)


def check_kept(node: Node, kept: list[int]) -> None:
    """Exactly these rows are there, each with its act, and positions have no gap."""
    with node.read() as tx:
        assert numbers_of(tx) == kept
    rows = list(read_journal(node.store))
    assert [row.key for row in rows] == [f"k{number}" for number in kept]
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))


def fill_up(node: Node) -> tuple[list[int], int]:
    """Add rows until there is no room; the numbers kept, and the one that was not."""
    kept: list[int] = []
    for number in range(2000):
        heard = add(node, number, 20_000)
        if heard != str(number):
            assert heard in NO_ROOM, heard
            return kept, number
        kept.append(number)
    raise AssertionError("the disk never filled up")


def test_a_full_disk_loses_nothing_and_the_node_goes_on(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=12m", "tmpfs") as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 4_000_000)
        url = f"sqlite:///{disk / 'puhui.sqlite'}"
        node = open_at(url, str(disk))
        kept, lost = fill_up(node)
        assert len(kept) > 10
        with pytest.raises(Fault) as caught:
            node.act("fault.add", Sample(lost, filling=20_000), key=f"k{lost}", actor=CLERK)
        assert "full" in caught.value.reason
        check_kept(node, kept)
        ballast.unlink()
        assert add(node, lost, 20_000) == str(lost), "room again: the same key may be tried again"
        check_kept(node, [*kept, lost])
        node.close()
        node = open_at(url, str(disk))
        check_kept(node, [*kept, lost])
        node.close()


def test_a_first_opening_on_a_full_disk_leaves_nothing_half_made(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as disk:
        url = f"sqlite:///{disk / 'puhui.sqlite'}"
        (disk / "ballast").write_bytes(b"x" * 900_000)
        with pytest.raises(Fault) as caught:
            open_at(url, str(disk))
        assert caught.value.code == "kernel.disk_full"
        mount("-o", "remount,size=8m", str(disk))
        node = open_at(url, str(disk))
        assert add(node, 0) == "0"
        node.close()


def within_a_file_size(url: str, home: str, told: Connection, spare: int) -> None:
    """Fill a store whose files may grow by ``spare`` bytes and no more, then lift the limit."""
    with sample_use_cases():
        node = open_at(url, home)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        size = max(path.stat().st_size for path in Path(home).iterdir() if path.is_file())
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + spare, hard))
        kept = []
        heard = ""
        for number in range(2000):
            heard = add(node, number, 20_000)
            if heard != str(number):
                break
            kept.append(number)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        check_kept(node, kept)
        again = add(node, len(kept), 20_000)
        check_kept(node, [*kept, len(kept)])
        node.close()
    told.send_bytes(f"{len(kept)} {heard} {again}".encode())


def test_files_that_may_not_grow_lose_nothing(tmp_path: Path, start: Callable[..., Child]) -> None:
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    open_at(url, str(tmp_path)).close()
    child = start(within_a_file_size, url, str(tmp_path), args=(1_500_000,))
    kept, heard, again = child.hear().split(" ")
    assert int(kept) > 10
    assert heard in NO_ROOM
    assert again == kept


def test_a_folder_that_turns_read_only_is_told(tmp_path: Path) -> None:
    """What was answered can still be read; a node that must write is told why it cannot."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=16m", "tmpfs") as disk:
        url = f"sqlite:///{disk / 'puhui.sqlite'}"
        node = open_at(url, str(disk))
        assert [add(node, number) for number in range(3)] == ["0", "1", "2"]
        node.close()
        mount("-o", "remount,ro", str(disk))
        node = open_at(url, str(disk))
        check_kept(node, [0, 1, 2])
        assert add(node, 3) == "kernel.read_only"
        node.close()
        mount("-o", "remount,rw", str(disk))
        node = open_at(url, str(disk))
        check_kept(node, [0, 1, 2])
        assert add(node, 3) == "3"
        node.close()


def as_nobody(url: str, home: str, told: Connection, number: int) -> None:
    """Act without the rights of root: what is heard on opening and on adding a row."""
    assert sqlite.SqliteStore  # loaded while this process may still read the packages
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    heard = []
    with sample_use_cases():
        try:
            node = open_at(url, home)
            heard.append("open")
            heard.append(add(node, number))
            heard.append(str(rows_of(node)))
            node.close()
        except Fault as fault:
            heard.append(fault.code)
    told.send_bytes(" ".join(heard).encode())


def test_files_that_may_not_be_written_are_told(start: Callable[..., Child]) -> None:
    """File and folder are read-only for the user that the node runs as."""
    home = Path(tempfile.mkdtemp(prefix="puhui-faults-"))
    try:
        url = f"sqlite:///{home / 'puhui.sqlite'}"
        node = open_at(url, str(home))
        assert add(node, 0) == "0"
        node.close()
        for path in home.iterdir():
            path.chmod(0o444 if path.is_file() else 0o555)
        home.chmod(0o555)
        heard = start(as_nobody, url, str(home), args=(1,)).hear()
        assert heard == "open kernel.read_only 1"
        for path in (home, *home.iterdir()):
            path.chmod(0o777)
        heard = start(as_nobody, url, str(home), args=(1,)).hear()
        assert heard == "open 1 2"
    finally:
        shutil.rmtree(home)


FSYNC_SCRIPT = """
import sys
from pathlib import Path
from tests.faults.load import open_at
from tests.faults.sample import sample_use_cases
from tests.faults.test_disk import add, check_kept

url, home, flag = sys.argv[1:]
flag = Path(flag)
with sample_use_cases():
    node = open_at(url, home)
    assert add(node, 0) == "0"
    flag.touch()
    heard = [add(node, number, 100) for number in (1, 2)]
    flag.unlink()
    check_kept(node, [0])
    again = [add(node, number, 100) for number in (1, 2, 3)]
    check_kept(node, [0, 1, 2, 3])
    node.close()
print(" ".join(heard + again))
"""


def test_a_disk_that_cannot_sync_is_not_believed(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here to build the shim of fsync")
    source, shim, flag = (tmp_path / name for name in ("shim.c", "shim.so", "fails"))
    source.write_text(SHIM, "ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    environment = {**os.environ, "LD_PRELOAD": str(shim), "FSYNC_FAILS_WHILE": str(flag)}
    done = subprocess.run(
        [sys.executable, "-c", FSYNC_SCRIPT, url, str(tmp_path), str(flag)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["kernel.not_durable"] * 2 + ["1", "2", "3"]
    node = open_node(tmp_path, store_url=url, keys=KEYS)
    check_kept(node, [0, 1, 2, 3])
    node.close()
