"""The shelf from the command line: every product, and where a bank puts its own."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import run_process


def test_products_are_listed_with_the_folder_for_own_ones(tmp_path: Path) -> None:
    ended = run_process("products", "--json", home=tmp_path)
    assert ended.code == 0
    assert "crop_season" in ended.out
    assert str(tmp_path / "products") in ended.out
    assert ended.figures["own"] == 0


def test_a_faulty_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "products").mkdir()
    (tmp_path / "products" / "x.toml").write_text("name = 3", encoding="utf-8")
    ended = run_process("products", home=tmp_path)
    assert ended.code == 2
    assert "x.toml" in ended.err
