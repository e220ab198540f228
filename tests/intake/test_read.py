"""Files with every kind of damage: the bad rows are named, the good ones are all read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.intake.read import (
    FileRow,
    RefusedRow,
    open_data_path,
    read_file,
)
from puhui.intake.read.block import LINE_BYTES_MAX
from puhui.intake.read.row import refusal_texts
from puhui.kernel.errors import Refused
from puhui.score import study
from puhui.score.formats.mapping_toml import read_mapping_text

MAPPING = """
title = { zh = "测试", en = "test" }
currency = "CNY"
id_column = "id"
[source]
title = "made up for this test"
[date]
column = "day"
format = "iso"
[target]
column = "bad"
bad = ["1"]
good = ["0"]
[split]
rule = "at_most"
column = "year"
value = "2020"
[amount]
column = "amount"
[term]
stated_by = "product"
[guard]
yearly_income = { column = "income", times = "12" }
[[signal]]
name = "use"
kind = "number"
column = "use"
least = 0
title = { zh = "使用率", en = "use" }
[[signal]]
name = "share"
kind = "number"
operation = "ratio"
columns = ["part", "amount"]
most = 1
title = { zh = "比例", en = "share" }
[[signal]]
name = "shop"
kind = "category"
column = "shop"
title = { zh = "店铺", en = "shop" }
"""
HEADER = "id,day,year,amount,income,use,part,shop,bad"
GOOD = "{id},2024-05-06,2019,43000.00,5000,0.5,100,面馆,0"
COLUMNS = HEADER.count(",") + 1


@pytest.fixture(scope="module")
def mapping() -> study.Mapping:
    """A small mapping that asks for every kind of check."""
    return read_mapping_text(MAPPING, "test")


def written(*lines: str | bytes, end: bytes = b"\n") -> bytes:
    """A file of these lines after the header."""
    return b"\n".join(
        line if isinstance(line, bytes) else line.encode() for line in (HEADER, *lines)
    ) + (end)


def good(number: object) -> str:
    """A clean row with this id."""
    return GOOD.format(id=number)


def read(
    path: Path, data: bytes, mapping: study.Mapping, **more: str
) -> tuple[list[str], dict[int, str]]:
    """(ids of good rows, {line: code}) of a file with these bytes."""
    path.write_bytes(data)
    reading = read_file(path, mapping, "small_loan", **more)
    found = list(reading)
    assert [one.line for one in found] == sorted(one.line for one in found)
    assert reading.facts.digest == hashlib.sha256(data).hexdigest()
    assert reading.facts.bytes == len(data)
    rows = [one for one in found if isinstance(one, FileRow)]
    refused = [one for one in found if isinstance(one, RefusedRow)]
    assert (reading.facts.rows, reading.facts.refused) == (len(rows), len(refused))
    return [row.values["id"] for row in rows], {one.line: one.code for one in refused}


def changed(number: object, column: str, value: str) -> str:
    """A clean row with one value changed."""
    parts = good(number).split(",")
    parts[HEADER.split(",").index(column)] = value
    return ",".join(parts)


@pytest.mark.parametrize(
    "bad, code",
    [
        ("b,2024-05-06,2019,1", "too_few_columns"),
        (good("b") + ",9", "too_many_columns"),
        (changed("b", "id", ""), "missing_field"),
        (changed("b", "amount", " NA "), "missing_field"),
        ("b,2024-05-06,2019,43000.00,,,,,0", "not_a_number|missing_field|"),
        (changed("b", "amount", "many"), "not_a_number"),
        (changed("b", "use", "1_000"), "not_a_number"),
        (changed("b", "use", "inf"), "not_a_number"),
        (changed("b", "year", "soon"), "not_a_number"),
        (changed("b", "day", "6 May"), "bad_date"),
        (changed("b", "amount", "-1"), "negative_amount"),
        (changed("b", "income", "-0.01"), "negative_amount"),
        (changed("b", "amount", "0"), "amount_not_positive"),
        (changed("b", "amount", "1e15"), "out_of_range"),
        (changed("b", "use", "-3"), "out_of_range"),
        (changed("b", "part", "43001"), "out_of_range"),
        (good("a"), "duplicate_row"),
        (changed("b", "shop", "x\0y"), "nul_byte"),
        (changed("b", "shop", '"x'), "unclosed_quote"),
        (changed("b", "shop", '"x"y'), "bad_quote"),
        (changed("b", "shop", "x\ry"), "bad_quote"),
        (good("b").encode("gb18030"), "undecodable"),
        (changed("b", "shop", "x" * (LINE_BYTES_MAX + 1)), "line_too_long"),
        (changed("b", "shop", "x" * 200_000), "line_too_long"),
    ],
)
def test_a_bad_row_is_refused_alone(
    tmp_path: Path, mapping: study.Mapping, bad: str | bytes, code: str
) -> None:
    """Rows before and after are read, and the line is named with reasons in both languages."""
    data = written(good("a"), bad, good("c"), good("d"))
    ids, refused = read(tmp_path / "f.csv", data, mapping)
    if code.endswith("|"):  # an amount still tells something: the row is thin, not wrong
        assert (ids, refused) == (["a", "b", "c", "d"], {})
        return
    assert refused == {3: f"intake.{code}"}
    assert ids == ["a", "c", "d"]
    assert {"zh", "en"} <= set(refusal_texts()[code])


def test_every_reason_has_words_and_repeats_no_value(
    tmp_path: Path, mapping: study.Mapping
) -> None:
    """What a person reads names the column and never the value, which may be personal."""
    path = tmp_path / "f.csv"
    path.write_bytes(written(changed("b", "amount", "Zhang San 138")))
    (refused,) = list(read_file(path, mapping, "small_loan"))
    assert isinstance(refused, RefusedRow)
    assert refused.reason_zh == "“amount”应当是数字。"
    assert refused.reason_en == "amount should be a number."


def test_a_row_without_any_signal_is_refused(tmp_path: Path, mapping: study.Mapping) -> None:
    """A file without an amount column may have rows that tell nothing at all."""
    stated = MAPPING.replace('[amount]\ncolumn = "amount"', '[amount]\nstated_by = "product"')
    thin = read_mapping_text(stated.replace('"part", "amount"', '"use", "part"'), "thin")
    data = written(good("a"), "b,2024-05-06,2019,1,1,,NA,,0")
    assert read(tmp_path / "f.csv", data, thin) == (["a"], {3: "intake.missing_field"})


def test_a_refused_row_does_not_keep_its_number(tmp_path: Path, mapping: study.Mapping) -> None:
    """The corrected row may follow in the same file."""
    data = written(changed("a", "amount", "x"), good("a"), good("a"))
    ids, refused = read(tmp_path / "f.csv", data, mapping)
    assert (ids, refused) == (["a"], {2: "intake.not_a_number", 4: "intake.duplicate_row"})


@pytest.mark.parametrize("cut", [good("b")[:20], changed("b", "shop", '"x')])
def test_a_truncated_file_loses_its_last_row_only(
    tmp_path: Path, mapping: study.Mapping, cut: str
) -> None:
    """The end without line feed, too short or inside a quote."""
    data = written(good("a"), cut, end=b"")
    assert read(tmp_path / "f.csv", data, mapping) == (["a"], {3: "intake.truncated"})


def test_forms_of_good_files(tmp_path: Path, mapping: study.Mapping) -> None:
    """BOM, CRLF, no last line feed, blank lines, quotes, GB18030, tabs: the same rows."""
    rows = [good("a"), '"b","2024-05-06",2019,"43,000.00",5000,0.5,100,"面馆\n二店 ""甲""",0']
    plain = written(*rows, good("c"))
    forms = {
        "plain": plain,
        "bom": b"\xef\xbb\xbf" + plain,
        "crlf": plain.replace(b"\n", b"\r\n"),
        "cut": plain[:-1],
        "blank": plain.replace(b"\nc", b"\n\n\r\n\nc"),
        "gb": plain.decode().replace("shop", "shop").encode("gb18030"),
    }
    for name, data in forms.items():
        declared = {"encoding": "GBK"} if name == "gb" else {}
        assert read(tmp_path / name, data, mapping, **declared) == (["a", "b", "c"], {}), name
    tabs = written(*[good(i) for i in range(3)]).replace(b",", b"\t")
    assert read(tmp_path / "tabs", tabs, mapping) == (["0", "1", "2"], {})


def test_gb18030_is_told_from_its_beginning(tmp_path: Path, mapping: study.Mapping) -> None:
    """Three Chinese rows say so; one damaged row in a UTF-8 file never does."""
    gb = written(*[good(i) for i in range(4)]).decode().encode("gb18030")
    assert read(tmp_path / "gb", gb, mapping) == (["0", "1", "2", "3"], {})
    ascii_rows = [changed(i, "shop", "shop") for i in range(3)]
    mixed = written(*ascii_rows, good(3).encode("gb18030"))
    assert read(tmp_path / "mixed", mixed, mapping)[1] == {5: "intake.undecodable"}


def test_a_quoted_field_may_cross_blocks(tmp_path: Path, mapping: study.Mapping) -> None:
    """Records that span lines are whole wherever the blocks of the file end."""
    rows = [changed(i, "shop", f'"{"长" * (i % 97)}\n{i}"') for i in range(3000)]
    data = written(*rows)
    assert len(data) > 2**18
    ids, refused = read(tmp_path / "f.csv", data, mapping)
    assert (ids, refused) == ([str(i) for i in range(3000)], {})


@pytest.mark.parametrize(
    "data, code",
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\r\n", "empty_file"),
        (b"id,day\n1,2\n", "missing_columns"),
        (HEADER.encode() + b",id\n", "column_twice"),
        (b'"id,day\n1,2\n', "bad_header"),
        (b"\0\0,\n", "bad_header"),
        (b"x" * (LINE_BYTES_MAX + 5), "bad_header"),
        (HEADER.encode("utf-16"), "encoding_unknown"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(
    tmp_path: Path, mapping: study.Mapping, data: bytes, code: str
) -> None:
    """Nothing of it is used, and what is missing is named."""
    path = tmp_path / "f.csv"
    path.write_bytes(data)
    with pytest.raises(Refused) as no:
        list(read_file(path, mapping, "p"))
    assert no.value.code == f"intake.{code}"
    if code == "missing_columns":
        assert "'amount'" in no.value.reason
        assert "'shop'" in no.value.reason


def test_places_that_are_no_file(tmp_path: Path, mapping: study.Mapping) -> None:
    """A folder, nothing, a strange name, an encoding that is not read."""
    for place, code in (
        (tmp_path, "not_a_file"),
        (tmp_path / "none", "file_missing"),
        ("a\0b", "unreadable"),
        (Path("/dev/null"), "not_a_file"),
    ):
        with pytest.raises(Refused) as no:
            read_file(place, mapping, "p")
        assert no.value.code == f"intake.{code}"
    path = tmp_path / "f.csv"
    path.write_bytes(written(good("a")))
    with pytest.raises(Refused) as no:
        read_file(path, mapping, "p", encoding="latin-1")
    assert no.value.code == "intake.encoding_unknown"


def test_progress_reaches_the_end(tmp_path: Path, mapping: study.Mapping) -> None:
    """Bytes read grow to the size of the file; a header alone has no rows."""
    path = tmp_path / "f.csv"
    path.write_bytes(written(*[good(i) for i in range(9000)]))
    seen: list[tuple[int, int]] = []
    list(read_file(path, mapping, "p", progress=lambda done, whole: seen.append((done, whole))))
    assert seen == sorted(seen)
    assert len(seen) > 1
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    path.write_bytes(HEADER.encode())
    assert list(read_file(path, mapping, "p")) == []


CLEAN = [good(i).encode() for i in range(40)]
SCARS = st.sampled_from([b'"', b"\0", b",", b"\xff", b"\r", b"x", b"\xb0\xa1", b"-", b'""', b" "])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    scars=st.lists(
        st.tuples(st.integers(0, 39), st.integers(0, 60), SCARS, st.booleans()), max_size=2
    )
)
def test_damage_stays_in_its_lines(
    tmp_path: Path, mapping: study.Mapping, scars: list[tuple[int, int, bytes, bool]]
) -> None:
    """Whatever is put into or cut from a line, no other line is lost or changed."""
    lines = list(CLEAN)
    for place, column, scar, is_cut in scars:
        line = lines[place]
        lines[place] = line[: column % len(line)] + scar + (b"" if is_cut else line[column:])
    touched = {place for place, *_ in scars}
    path = tmp_path / "f.csv"
    path.write_bytes(written(*lines))
    found = {row.line: row for row in read_file(path, mapping, "small_loan")}
    for place in set(range(40)) - touched:
        row = found[place + 2]
        if isinstance(row, RefusedRow):  # a touched row took its number first
            assert row.code == "intake.duplicate_row"
            assert int(row.reason_en.split("line ")[1].split(" ")[0]) - 2 in touched
        else:
            assert row.values["id"] == str(place)
            assert row.values["shop"] == "面馆"
    assert set(found) <= set(range(2, 42))


MEMORY = """
import resource, sys, time
from pathlib import Path
from puhui.intake.read import read_file
from puhui.score import study
path = Path(sys.argv[1])
mapping = study.read_mapping("small_loans")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = list(read_file(path, mapping, "p"))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(found), *(f"{one.line}:{getattr(one, 'code', 'ok')}" for one in found), after - before)
"""


def test_a_line_of_100_megabytes_is_not_held(tmp_path: Path) -> None:
    """It is refused alone, and memory grows by a few megabytes only."""
    path = tmp_path / "huge.csv"
    row = b"0.5,57,J,5136.4,1,0.94,0,0,0,19,0\n"
    with path.open("wb") as file:
        file.write(b"rev,age,city,income,marital,debrate,due30,due60,due90,loan_num,is_bad\n")
        file.write(row)
        for _ in range(100):
            file.write(b'"' * 1_000_000)
        file.write(b"\n" + row.replace(b"57", b"58"))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    ).stdout.split()
    assert done[:4] == ["3", "2:ok", "3:intake.line_too_long", "4:ok"]
    assert int(done[4]) < 20_000  # kilobytes


def test_open_data_is_found_without_its_code() -> None:
    """20,000 real rows, one of them twice; the package's own code never runs."""
    path = open_data_path("small-loans")
    assert not [name for name in sys.modules if name.split(".")[0] == "bbbrisk"]
    found = list(read_file(path, study.read_mapping("small_loans"), "small_loan"))
    refused = [one for one in found if isinstance(one, RefusedRow)]
    assert len(found) == 20_000
    assert [one.code for one in refused] == ["intake.duplicate_row"]


def test_open_data_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says the one command that installs it."""
    monkeypatch.setattr("puhui.intake.read.file.util.find_spec", lambda name: None)
    with pytest.raises(Refused) as no:
        open_data_path("small-loans")
    assert no.value.code == "intake.open_data_missing"
    assert "python -m pip install --no-deps bbbrisk==1.0.2" in no.value.reason
    with pytest.raises(Refused) as no:
        open_data_path("large-loans")
    assert no.value.code == "intake.open_data_unknown"


@pytest.mark.parametrize(
    "name, mapping_name, rows",
    [("sba_case", "sba_case", 2101), ("sba_national_sample", "sba_national", 22427)],
)
def test_published_files_are_read_whole(name: str, mapping_name: str, rows: int) -> None:
    """The files of the SBA have no row that is refused."""
    if "PUHUI_DATA" not in os.environ:
        pytest.skip("PUHUI_DATA is not set")
    path = Path(os.environ["PUHUI_DATA"]) / "credit" / f"{name}.csv"
    reading = read_file(path, study.read_mapping(mapping_name), "sba_term")
    assert sum(isinstance(one, FileRow) for one in reading) == rows
    assert reading.facts.refused == 0
