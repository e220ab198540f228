"""Documents that cannot rot: codes, use cases, settings, words and links are held to the code.

Goal: what a newcomer reads is so. Method: generated documents are made again and compared;
hand-written ones are searched for each thing that the sources define.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import make_map
from tests.tidy import door, word
from tests.tidy.tree import ROOT, docstrings_of, source_of, sources_in

SETTING = re.compile(r"PUHUI_[A-Z][A-Z_]*[A-Z]")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
ROW = re.compile(r"^\|(.+)\|$")


def read(name: str) -> str:
    """A document of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def glossary_rows() -> list[list[str]]:
    """The rows of the glossary's table: English, Chinese, identifier, room, note."""
    rows = [
        match.group(1)
        for line in read("docs/glossary.md").splitlines()
        if (match := ROW.match(line))
    ]
    return [[part.strip() for part in row.split("|")] for row in rows[2:]]


def test_generated_documents_are_up_to_date() -> None:
    """Map, use cases and refusals are what the sources say now; each code has its words."""
    command = [sys.executable, "docs/make_map.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_code_stands_in_the_list_of_refusals() -> None:
    """Each code in the sources has a row with a Chinese and an English sentence."""
    listed = re.findall(r"^\| `([a-z_.0-9]+)` \|", read("docs/refusals.md"), re.MULTILINE)
    codes = make_map.codes_in(make_map.trees())
    assert codes
    assert sorted(codes) == listed
    for texts in make_map.said_of_codes().values():
        assert door.CHINESE.search(texts["zh"]), texts
        assert not door.CHINESE.search(texts["en"]), texts


def test_codes_are_found_wherever_they_are_carried() -> None:
    """A raise, a refusal as data, a table of codes and a choice between two codes."""
    text = """
class Refusal:
    code: str

def check_text(value, code): ...

raise Refused("party.unknown", "who?")
raise Fault("kernel.disk_full" if full else "kernel.read_only", "why")
Refusal(1, code="lending.too_young")
check_text(value, "party.bad_name")
GUARD_CODES = {"age": "lending.too_old"}
emit("lending.disbursed")
"""
    codes = make_map.codes_in({Path("puhui/a.py"): ast.parse(text)})
    assert codes == {
        "party.unknown": {"refusal"},
        "kernel.disk_full": {"fault"},
        "kernel.read_only": {"fault"},
        "lending.too_young": {"refusal"},
        "party.bad_name": {"refusal"},
        "lending.too_old": {"refusal"},
    }


def test_words_without_codes_and_codes_without_words_are_found() -> None:
    """The check of the words can fail both ways, and on a missing language."""
    both = {"zh": "没有。", "en": "No."}
    check = make_map.complaints_about_codes
    assert check({"a.b": {"refusal"}}, {"a.b": both}) == []
    assert check({"a.b": {"refusal"}}, {}) != []
    assert check({}, {"a.b": both}) != []
    assert check({"a.b": {"refusal"}}, {"a.b": {"zh": "没有。", "en": ""}}) != []


def test_every_use_case_is_listed() -> None:
    """The registry and the document name the same use cases."""
    from puhui.kernel.act import USE_CASES
    from puhui.node import load_rooms

    load_rooms()
    ours = [name for name, found in USE_CASES.items() if found.function.__module__[:6] == "puhui."]
    listed = re.findall(r"^\| `([a-z_.]+)` \|", read("docs/use-cases.md"), re.MULTILINE)
    assert sorted(ours) == listed


def test_every_room_and_entry_is_on_the_map() -> None:
    """Each door, each name it shows and each file of a room is on the map."""
    shown = read("docs/map.md")
    for source in sources_in("puhui"):
        if source.is_door:
            assert f"\n## {source.room}\n" in shown
            assert all(f"\n| `{name}` |" in shown for name in door.entries_of(source) or [])


def test_every_setting_is_documented() -> None:
    """Each variable that the code reads has a row in docs/settings.md, and no row is idle."""
    used: set[str] = set()
    for folder in ("puhui", "tests", "bench"):
        for source in sources_in(folder):
            prose = docstrings_of(source.tree)
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Constant) and id(node) not in prose:
                    match = SETTING.fullmatch(node.value) if isinstance(node.value, str) else None
                    used |= {match.group(0)} if match else set()
    listed = re.findall(r"^\| `(PUHUI_[A-Z_]+)` \|", read("docs/settings.md"), re.MULTILINE)
    assert used == set(listed)


def test_glossary_has_one_word_for_one_thing() -> None:
    """Five columns, a Chinese term, and no identifier or English word twice in a room."""
    seen: set[tuple[str, str]] = set()
    rows = glossary_rows()
    assert len(rows) > 80
    for row in rows:
        assert len(row) == 5, row
        english, chinese, identifiers, room, _ = row
        assert door.CHINESE.search(chinese) or chinese == "", row
        for name in [english, *re.findall(r"`(\w+)`", identifiers)]:
            key = (name, room)
            assert english == name or key not in seen, row
            seen.add(key)


def test_glossary_identifiers_keep_the_reserved_words() -> None:
    """The glossary's own identifiers pass the check of words in their rooms."""
    for _, _, identifiers, room, _ in glossary_rows():
        for name in re.findall(r"`(\w+)`", identifiers):
            assert word.complaint_about(name, room) == "", (name, room)


def test_glossary_names_the_nouns_at_the_doors() -> None:
    """A noun that rooms show to one another is a word of the glossary, or a use case's input."""
    known = set(re.findall(r"`(\w+)`", read("docs/glossary.md")))
    known |= {name[:1].upper() + name[1:] for name in known}
    verbs = re.findall(r"^\| `[a-z]+\.([a-z_]+)` \|", read("docs/use-cases.md"), re.MULTILINE)
    known |= {verb.title().replace("_", "") for verb in verbs}
    found = [
        f"{source.room}: {name}"
        for source in sources_in("puhui")
        if source.is_door
        for name in door.entries_of(source) or []
        if re.fullmatch(r"[A-Z][a-z]\w*", name) and name not in known
    ]
    assert found == [], "add them to docs/glossary.md"


def test_glossary_and_check_reserve_the_same_words() -> None:
    """The closing paragraph lists what tests/tidy/word.py holds."""
    reserved = read("docs/glossary.md").partition("Reserved words")[2].partition("\n\n")[0]
    named = set(re.findall(r"\w+", " ".join(re.findall(r"\*([\w, \n]+)\*", reserved))))
    singular = {
        name for name in (*word.HOMES, *word.STRANGERS) if f"{name}s" in named or name in named
    }
    assert singular == {"transaction", "model", "account", "policy", "tranche", "settlement"}
    assert {name for name in word.EMPTY_WORDS if not name.endswith("s")} <= named


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=str
)
def test_links_lead_somewhere(path: Path) -> None:
    """A link inside the project points at a file that is there."""
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_a_door_without_words_would_be_found() -> None:
    """The readers of this module see a made-up door as they see the real ones."""
    made_up = source_of("puhui/casino/__init__.py", '"""Casino 赌场."""\n__all__ = ["Chip"]')
    assert door.entries_of(made_up) == ["Chip"]
    assert made_up.is_door


def test_every_test_that_the_table_of_faults_names_is_there() -> None:
    """Each cell names tests that exist, or says in words why there are none."""
    rows = [row for line in read("docs/faults.md").splitlines() if (row := ROW.match(line))]
    assert len(rows) > 10
    for row in rows[2:]:
        fault, *cells = (cell.strip() for cell in row.group(1).split(" | "))
        assert len(cells) == 3, fault
        for cell in cells:
            assert cell, fault
            for named in re.findall(r"`([^`]+)`", cell):
                path, _, name = named.partition("::")
                text = (ROOT / path).read_text(encoding="utf-8")
                assert not name or re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), named
