"""Mappings: those shipped are sound, every mistake has its code, leaking signals are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.kernel.errors import Refused
from puhui.score import Table, study, train
from puhui.score.engines.files import read_mapping
from puhui.score.formats.mapping_toml import read_mapping_text
from puhui.score.rules.split import hash_share
from tests.score.made import MAPPING, made_mapping, made_table

SHIPPED = ("sba_case", "sba_national", "small_loans", "merchant_310")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_mappings_read_and_say_why_columns_are_forbidden(name: str) -> None:
    mapping = study.read_mapping(name)
    assert mapping.name == name
    assert len(mapping.digest) == 64
    for signal in mapping.signals:
        assert signal.title_zh, signal.name
        assert signal.title_en, signal.name
    assert all(len(entry.reason) > 10 for entry in mapping.forbidden)


@pytest.mark.parametrize("name", ("sba_case", "sba_national"))
def test_known_leaks_of_the_sba_files_are_forbidden(name: str) -> None:
    forbidden = {entry.column for entry in study.read_mapping(name).forbidden}
    assert {"Term", "ChgOffDate", "ChgOffPrinGr", "DisbursementDate", "MIS_Status"} <= forbidden
    if name == "sba_case":
        assert {"RealEstate", "Recession", "daysterm", "xx", "Default", "BalanceGross"} <= forbidden


@pytest.mark.parametrize(
    "old, new, code",
    [
        ('column = "flow"', 'column = "charged_off"', "score.leaking_signal"),
        ('column = "flow"', 'column = "outcome"', "score.leaking_signal"),
        ('columns = ["amount", "income"]', 'columns = ["paid_out", "income"]', "leaking_signal"),
        ('currency = "CNY"', 'currency = "XXX"', "score.mapping_bad"),
        ('currency = "CNY"', "currency = 3", "score.mapping_bad"),
        ('bad = ["lost"]', 'bad = ["paid"]', "score.mapping_bad"),
        ('bad = ["lost"]', "bad = []", "score.mapping_bad"),
        ('rule = "equals"', 'rule = "random"', "score.mapping_bad"),
        ('format = "iso"', 'format = "roman"', "score.mapping_bad"),
        ('times = "12"', 'times = "twelve"', "score.mapping_bad"),
        ('[amount]\ncolumn = "amount"', "[amount]", "score.mapping_bad"),
        ('[amount]\ncolumn = "amount"', '[amount]\ncolunm = "amount"', "score.mapping_bad"),
        ("[guard]\nage", "[guard]\nshoe_size", "score.mapping_bad"),
        ("rounds = 40", 'rounds = "many"', "score.mapping_bad"),
        ("[target]", "[target", "score.mapping_bad"),
        ('name = "late"', 'name = "flow"', "score.mapping_bad"),
        ("special = [98]", 'special = ["98"]', "score.mapping_bad"),
        ('kind = "category"\nabsent', 'kind = "colour"\nabsent', "score.mapping_bad"),
        ("absent = true", 'absent = true\ncolumn = "id"', "score.mapping_signal"),
        ('name = "late"', 'name = "Late fees"', "score.mapping_signal"),
        ('direction = "up"', 'direction = "sideways"', "score.mapping_signal"),
        ('operation = "ratio"', 'operation = "power"', "score.mapping_signal"),
        ('columns = ["amount", "income"]', 'columns = ["amount"]', "score.mapping_signal"),
        ("operand = 1\n", "operand = 0\n", "score.mapping_signal"),
        ('date_format = "iso"\n', "", "score.mapping_signal"),
        ('column = "trade"\ntitle', 'column = "trade"\nleast = 0\ntitle', "mapping_signal"),
    ],
)
def test_each_mistake_has_its_code(old: str, new: str, code: str) -> None:
    assert old in MAPPING
    with pytest.raises(Refused) as no:
        read_mapping_text(MAPPING.replace(old, new, 1), "made")
    assert no.value.code.endswith(code)


def test_a_split_in_time_closes_its_column_to_signals() -> None:
    text = MAPPING.replace(
        'rule = "equals"\ncolumn = "part"\nvalue = "train"',
        'rule = "at_most"\ncolumn = "late"\nvalue = "2"',
    )
    with pytest.raises(Refused) as no:
        read_mapping_text(text, "made")
    assert no.value.code == "score.leaking_signal"


def test_training_refuses_a_leak_that_was_not_read_from_toml() -> None:
    from dataclasses import replace

    mapping = made_mapping()
    leak = replace(mapping.signals[0], columns=("charged_off",))
    with pytest.raises(Refused, match=r"score\.leaking_signal"):
        train(made_table(300), replace(mapping, signals=(leak,)), "points", 1)


def test_mappings_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    path.write_text(MAPPING, encoding="utf-8")
    assert read_mapping(path) == made_mapping()
    for name in ("no_such", "../sba_case", tmp_path / "none.toml"):
        with pytest.raises(Refused) as no:
            read_mapping(name)
        assert no.value.code == "score.mapping_missing"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match=r"score\.mapping_bad"):
        read_mapping(path)


def test_a_sample_splits_labelled_rows_only() -> None:
    columns = {"outcome": ("paid", "lost", "", "paid"), "part": ("train", "test", "train", "x")}
    sample = study.draw_sample(Table(columns, 4), made_mapping())
    assert sample.is_train.tolist() == [True, False, False, False]
    assert sample.is_test.tolist() == [False, True, False, True]


def test_a_hash_split_is_fixed_and_near_its_share() -> None:
    shares = [hash_share("salt", (str(n), "x")) for n in range(4000)]
    assert abs(sum(share < 0.3 for share in shares) / 4000 - 0.3) < 0.03
    assert hash_share("salt", ("1", "x")) == hash_share("salt", (1, " x "))
    assert hash_share("salt", ("1", "x")) != hash_share("pepper", ("1", "x"))
    assert hash_share("", ("a", "bc")) != hash_share("", ("ab", "c"))
    # sha256sum of "small_loans", "0.5" and "41" joined by the byte 1f, its first eight bytes
    assert hash_share("small_loans", ("0.5", "41")) == 0.3603977951483297


def test_tables_are_even() -> None:
    table = Table.of_rows(["a", "b"], [["1", "2"], ["3", "4"]])
    assert table.row(1) == {"a": "3", "b": "4"}
    assert table.take([1, 0]).columns["a"] == ("3", "1")
    with pytest.raises(Refused, match=r"score\.table_uneven"):
        Table.of_rows(["a", "b"], [["1"]])
    with pytest.raises(Refused, match=r"score\.column_twice"):
        Table.of_rows(["a", "a"], [])


def test_screening_finds_the_column_that_tells_all() -> None:
    found = study.suspicious_columns(made_table(), made_mapping())
    assert [warning.column for warning in found] == ["charged_off"]
    assert found[0].is_forbidden
    assert not found[0].is_signal
    assert found[0].auc > 0.99
    assert study.column_auc_max() == 0.9
