"""Score 50 million rows of 12 signals from Parquet to Parquet with `puhui score batch`.

`python bench/score_batch.py [--quick] [--json] [--kind points|trees] [--rows N]`. DuckDB draws
the rows from a seed into a temporary folder (about 3.5 GB for 50 million), a model is trained on
a few thousand rows of the same shape, and the program runs as a process of its own; the figures
are the ones that it prints. The folder is removed afterwards. `--quick`: 2 million rows, or
1 million through the trees. Peers do not read Parquet: beside it stands the kernel alone, which
bench/score.py measures.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from score import POINTS_SIGNALS, SEED, make_table, mapping_text  # beside this file

from puhui.score import save_model, score_row, train
from puhui.score.formats.mapping_toml import read_mapping_text

ROWS, BYTES_PER_ROW = 50_000_000, 130
CHECKED = 1_000


def make_rows(path: Path, rows: int) -> None:
    """Rows of an id and 12 normal numbers with four decimals, one in 50 missing, by DuckDB."""
    import duckdb

    normal = (
        "round(10000 * sqrt(-2 * ln(1 - random())) * cos(6.283185307179586 * random())) / 10000"
    )
    columns = ", ".join(
        f"CASE WHEN random() < 0.02 THEN NULL ELSE ({normal})::DOUBLE END AS c{place}"
        for place in range(POINTS_SIGNALS)
    )
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            f"COPY (SELECT range AS id, {columns} FROM range({rows})) TO '{path}' (FORMAT parquet)"
        )


def check(model: Any, source: Path, target: Path) -> None:
    """The first rows of the file against the one-row path, to the last bit."""
    import duckdb

    with duckdb.connect() as connection:
        raw = connection.read_parquet(str(source)).limit(CHECKED).fetchall()
        found = connection.read_parquet(str(target)).limit(CHECKED).fetchall()
    for (own, *values), (same, points, pd, refused) in zip(raw, found, strict=True):
        alone = score_row(model, {f"c{place}": value for place, value in enumerate(values)})
        assert (same, points, pd, refused) == (own, alone.points, alone.pd, None), own


def measure(folder: Path, rows: int, kind: str, say: Any) -> dict[str, Any]:
    """Make the rows, train, run the program and check what it wrote."""
    source, target = folder / "rows.parquet", folder / "scores.parquet"
    started = time.process_time()
    make_rows(source, rows)
    size = source.stat().st_size
    say(f"{rows:,} rows x {POINTS_SIGNALS} signals made: {size / 1e9:.2f} GB, "
        f"{time.process_time() - started:.0f} CPU-s")  # fmt: skip
    mapping = read_mapping_text(mapping_text(POINTS_SIGNALS, rounds=200), "bench_points")
    model = train(make_table(4000, POINTS_SIGNALS), mapping, kind, SEED)
    path = save_model(folder, model)
    words = [sys.executable, "-m", "puhui", "score", "batch", str(source), "--model", str(path),
             "--keep", "id", "--out", str(target), "--json"]  # fmt: skip
    environment = {**os.environ, "PUHUI_HOME": str(folder / "home")}
    ended = subprocess.run(
        words, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=3600
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    check(model, source, target)
    rate = found["rows"] / found["cpu_s"]
    say(f"{kind}: {found['seconds']:.1f} s, {found['cpu_s']:.1f} CPU-s, {rate:,.0f} rows/CPU-s, "
        f"peak {found['peak_rss_mib']:,.0f} MiB; {CHECKED:,} rows equal to the bit")  # fmt: skip
    figures = {name: found[name] for name in ("rows", "seconds", "cpu_s", "peak_rss_mib")}
    return {**figures, "rows_per_cpu_s": round(rate), "in_bytes": size, "kind": kind}


def main() -> None:
    """Run the bench and print one flat JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under 20 seconds")
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    parser.add_argument("--kind", choices=("points", "trees"), default="points")
    parser.add_argument("--rows", type=int, default=0, help="how many rows")
    options = parser.parse_args()
    few = 2_000_000 if options.kind == "points" else 1_000_000
    rows = options.rows or (few if options.quick else ROWS)

    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    if importlib.util.find_spec("duckdb") is None or importlib.util.find_spec("pyarrow") is None:
        say("the extra scale is not installed: not measured")
        print(json.dumps({"rows": None}))
        return
    folder = Path(tempfile.mkdtemp(prefix="puhui-batch-"))
    try:
        free = shutil.disk_usage(folder).free
        if free < 2 * rows * BYTES_PER_ROW:
            say(f"{free / 1e9:.0f} GB are free, too few for {rows:,} rows: not measured")
            print(json.dumps({"rows": None}))
            return
        print(json.dumps(measure(folder, rows, options.kind, say), sort_keys=True))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
