"""Every case of the Mojaloop test kit is told by a test of ours, or it is said why not."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TOLD = tomllib.loads((FOLDER / "kit.toml").read_text("utf-8"))["case"]

GUIDE = FOLDER.parents[1] / "docs" / "guides" / "test-kit.md"


def test_the_guide_names_every_case_and_its_test() -> None:
    text = GUIDE.read_text("utf-8")
    for one in TOLD:
        (line,) = [row for row in text.splitlines() if _row_of(row, one)]
        assert (one.get("test") or one["why"]).removeprefix("test_").split("::")[-1] in line, one


def _row_of(row: str, one: dict[str, Any]) -> bool:
    first = one["cases"][0]
    return (
        row.startswith(f"| `{one['file']}` |") and f" {first}," in f" {row.split('|')[2].strip()},"
    )


def test_tests_that_are_named_are_there() -> None:
    for one in TOLD:
        assert ("test" in one) is not ("why" in one), one
        if "test" in one:
            file, _, name = one["test"].partition("::")
            assert f"def {name}(" in (FOLDER / file).read_text("utf-8"), one["test"]
        else:
            assert len(one["why"]) > 20, one


def test_no_case_of_the_kit_is_left_out(reference_data: Callable[..., Path]) -> None:
    """113 cases; 111 are told, 2 are not."""
    folder = reference_data("payments", "mojaloop-ttk", "collections", "hub")
    found = []
    for path in sorted(folder.rglob("*.json")):
        cases = json.loads(path.read_text("utf-8")).get("test_cases") or []
        name = path.relative_to(folder).as_posix()
        found += [f"{name} {at} {case['id']}" for at, case in enumerate(cases, start=1)]
    told = [f"{one['file']} {case}" for one in TOLD for case in one["cases"]]
    assert sorted(told) == sorted(found)
    assert len(told) == 113
    assert sum(len(one["cases"]) for one in TOLD if "why" in one) == 2
