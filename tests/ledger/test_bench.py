"""The benchmark reads the peer's own report."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.ledger import run_tigerbeetle

SAID = """\
info(main): benchmark
1224 batches in 2.26 s
transfer batch size = 8190 txs
transfer batch delay = 0 us
load accepted = 443268 tx/s
batch latency p00 = 3 ms
batch latency p50 = 9 ms
batch latency p99 = 26 ms
datafile empty = 1140850688 bytes
"""


def stand_in(folder: Path, said: str, code: int = 0) -> str:
    """A program that is asked as TigerBeetle is and says what it says."""
    path = folder / "tigerbeetle"
    path.write_text(
        "#!/bin/sh\n"
        '[ "$1 $2 $3" = "benchmark --transfer-count=5 --account-count=10000" ] || exit 9\n'
        f"cat <<'END'\n{said}END\nexit {code}\n"
    )
    path.chmod(0o755)
    return str(path)


def test_the_rate_is_read(tmp_path: Path) -> None:
    assert run_tigerbeetle(stand_in(tmp_path, SAID), 5) == 443_268


def test_a_report_without_a_rate_is_shown(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="said no rate"):
        run_tigerbeetle(stand_in(tmp_path, "something else\n"), 5)
