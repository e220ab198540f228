"""Write the generated documents: the map, the use cases, the API and the refusal codes.

`python docs/make_map.py` writes map.md, use-cases.md, api.md and refusals.md beside it, from the
sources, the registry of use cases and the words of refusals; `--check` only says what is out of
date or missing. Rooms that are not built yet are left out.
"""

from __future__ import annotations

import ast
import configparser
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "puhui"
CODE = re.compile(r"[a-z]+\.[a-z][a-z0-9_]*")
SENTENCE_END = re.compile(r"(?<=[a-z)`][.])\s+(?=[A-Z`])")
WORDS = PACKAGE / "channel" / "data" / "refusals.toml"
CODE_TABLE_NAMES = re.compile(r"CODE|REFUSAL")


def trees() -> dict[Path, ast.Module]:
    """Every module of the package, by its path from the root of the project."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {
        path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for path in paths
    }


def sentence_of(tree: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    """The first sentence of a docstring on one line."""
    paragraph = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    return SENTENCE_END.split(paragraph)[0]


def floors() -> list[list[str]]:
    """The order of the house from the ground up, as the import contracts have it."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    lines = parser["importlinter:contract:floors"]["layers"].split("\n")
    return [
        [name.strip(" ()") for name in line.split("|")] for line in reversed(lines) if line.strip()
    ]


def entries_of(door: ast.Module) -> list[str]:
    """The names in a door's ``__all__``."""
    for node in door.body:
        is_all = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        if is_all and isinstance(node, ast.Assign):
            return list(ast.literal_eval(node.value))
    return []


def sentences_in(room: str, modules: dict[Path, ast.Module]) -> dict[str, str]:
    """What each class and function of a room says of itself, by name."""
    found: dict[str, str] = {}
    for path, tree in modules.items():
        if path.parts[1] == room:
            for node in tree.body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef):
                    found.setdefault(node.name, sentence_of(node))
    return found


def floor_lines(built: set[str]) -> Iterator[str]:
    """The order of the rooms that are there, in one line."""
    floors_built = [[name for name in floor if name in built] for floor in floors()]
    yield "Order (a room uses the doors to its left, and nothing else): " + " < ".join(
        " | ".join(f"`{name}`" for name in floor) for floor in floors_built if floor
    )


def room_lines(room: str, modules: dict[Path, ast.Module]) -> Iterator[str]:
    """One room: its sentence, its entries, its files."""
    package = Path("puhui") / room
    door = modules[package / "__init__.py" if (PACKAGE / room).is_dir() else Path(f"{package}.py")]
    yield from ("", f"## {room}", "", cell(sentence_of(door)))
    sentences = sentences_in(room, modules)
    entries = entries_of(door)
    if entries:
        yield from ("", "| entry | what it is |", "|---|---|")
        yield from (f"| `{name}` | {cell(sentences.get(name, ''))} |" for name in entries)
    files = {path: tree for path, tree in modules.items() if path.parts[1] == room}
    if len(files) > 1:
        yield from ("", "| file | what it holds |", "|---|---|")
        for path, tree in files.items():
            if path != package / "__init__.py":
                yield f"| `{path.relative_to(package)}` | {cell(sentence_of(tree))} |"
    tables = sorted(path for path in (ROOT / package).rglob("*.toml"))
    if tables:
        names = ", ".join(f"`{path.relative_to(ROOT / package)}`" for path in tables)
        yield from ("", f"Declared in TOML: {names}")


def cell(text: str) -> str:
    """Text that fits a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("``", "`")


def map_text(modules: dict[Path, ast.Module]) -> str:
    """docs/map.md."""
    built = {path.parent.name for path in modules if path.match("puhui/*/__init__.py")}
    built |= {path.stem for path in modules if path.parent.name == "puhui"}
    lines = [
        "# Map",
        "",
        "Written by `make docs` from the docstrings: do not edit. The word in the",
        "[glossary](glossary.md) names the room, the kind of thing names the file.",
        "",
        *floor_lines(built),
    ]
    for floor in floors():
        for room in floor:
            if room in built:
                lines += room_lines(room, modules)
    return "\n".join(lines) + "\n"


def use_cases_text() -> str:
    """docs/use-cases.md, from the registry that the composition root fills."""
    sys.path.insert(0, str(ROOT))
    from puhui.kernel.act import USE_CASES
    from puhui.node import load_rooms

    load_rooms()
    lines = [
        "# Use cases",
        "",
        "Written by `make docs` from the registry: do not edit. State changes in no other way;",
        "who lacks the role is refused, and HTTP reaches only those that say so.",
        "",
        "| use case | what it does | roles | purpose | HTTP | batch |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in sorted(USE_CASES.items()):
        roles = ", ".join(sorted(found.roles))
        api = "yes" if found.api else ""
        lines.append(
            f"| `{name}` | {cell(found.summary)} | {roles} | {found.purpose or ''} | {api} "
            f"| {found.batch or ''} |"
        )
    return "\n".join(lines) + "\n"


def api_text() -> str:
    """docs/api.md, from the operations that the API serves."""
    from puhui.api import describe

    lines = [
        "# API",
        "",
        "Written by `make docs` from the operations: do not edit. The name is the scope that a",
        "machine's key needs; schemas, examples and every refusal code stand in",
        "`/api/openapi.json` of a running node. A write has an `Idempotency-Key`; customers see",
        "their own things alone.",
        "",
        "| operation | request | what it does | roles |",
        "|---|---|---|---|",
    ]
    for name, method, path, summary, roles in describe():
        lines.append(f"| `{name}` | {method} `{path}` | {cell(summary)} | {', '.join(roles)} |")
    return "\n".join(lines) + "\n"


def takers_of_codes(modules: dict[Path, ast.Module]) -> set[str]:
    """Functions and classes with a parameter or field named ``code``: what refuses, or says so."""
    takers = {"Refused", "Fault"}
    for tree in modules.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                arguments = (*node.args.args, *node.args.kwonlyargs)
                if any(argument.arg == "code" for argument in arguments):
                    takers.add(node.name)
            elif isinstance(node, ast.ClassDef):
                fields = (item.target for item in node.body if isinstance(item, ast.AnnAssign))
                if any(getattr(field, "id", "") == "code" for field in fields):
                    takers.add(node.name)
    return takers


def codes_in(modules: dict[Path, ast.Module]) -> dict[str, set[str]]:
    """Every refusal and fault code in the sources, with the kinds that carry it."""
    takers = takers_of_codes(modules)
    found: dict[str, set[str]] = {}
    for tree in modules.values():
        for node in ast.walk(tree):
            for code in _codes_at(node, takers):
                is_fault = isinstance(node, ast.Call) and _callee(node) == "Fault"
                found.setdefault(code, set()).add("fault" if is_fault else "refusal")
    return found


def _callee(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def _codes_at(node: ast.AST, takers: set[str]) -> Iterator[str]:
    values: list[ast.expr] = []
    if isinstance(node, ast.Call) and _callee(node) in takers:
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(CODE_TABLE_NAMES.search(getattr(target, "id", "")) for target in targets):
            values = [item for item in ast.walk(node.value) if isinstance(item, ast.expr)]
    for value in values:
        parts = ast.walk(value) if isinstance(value, ast.IfExp) else (value,)
        for part in parts:
            text = part.value if isinstance(part, ast.Constant) else None
            if isinstance(text, str) and CODE.fullmatch(text):
                yield text


def said_of_codes() -> dict[str, dict[str, str]]:
    """What the words of refusals say of each code: ``zh`` and ``en``."""
    content = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    return {
        f"{room}.{reason}": texts
        for room, codes in content.items()
        for reason, texts in codes.items()
    }


def complaints_about_codes(
    codes: dict[str, set[str]], said: dict[str, dict[str, str]]
) -> list[str]:
    """Codes without words, and words without a code."""
    found = [f"{WORDS.name} lacks {code}" for code in sorted(set(codes) - set(said))]
    found += [f"{WORDS.name}: no source uses {code}" for code in sorted(set(said) - set(codes))]
    for code, texts in sorted(said.items()):
        if not (texts.get("zh") and texts.get("en")) or set(texts) != {"zh", "en"}:
            found.append(f"{WORDS.name}: {code} needs zh and en, and nothing else")
    return found


def refusals_text(codes: dict[str, set[str]], said: dict[str, dict[str, str]]) -> str:
    """docs/refusals.md."""
    lines = [
        "# Refusals and faults",
        "",
        "Written by `make docs` from the sources and the room channel's refusals.toml: do not",
        "edit. A refusal is an expected no (exit code 2, HTTP 422) and changed nothing; a fault",
        "is trouble of the machine (exit code 1), and the same key may be tried again. Codes are",
        "stable.",
        "",
        "| code | kind | 中文 | English |",
        "|---|---|---|---|",
    ]
    for code in sorted(set(codes) & set(said)):
        kind = " / ".join(sorted(codes[code]))
        texts = said[code]
        lines.append(f"| `{code}` | {kind} | {cell(texts['zh'])} | {cell(texts['en'])} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the documents, or with ``--check`` compare them; 1 when something is amiss."""
    modules = trees()
    codes, said = codes_in(modules), said_of_codes()
    complaints = complaints_about_codes(codes, said)
    wanted = {
        "map.md": map_text(modules),
        "use-cases.md": use_cases_text(),
        "api.md": api_text(),
        "refusals.md": refusals_text(codes, said),
    }
    for name, text in wanted.items():
        target = ROOT / "docs" / name
        if "--check" not in arguments:
            target.write_text(text, encoding="utf-8")
        elif not target.exists() or target.read_text(encoding="utf-8") != text:
            complaints.append(f"docs/{name} is out of date: run `make docs`")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
