"""Write `.importlinter`: floors, doors and purity as contracts, from the rooms that are there.

`python docs/make_contracts.py` writes the file, `--check` only says whether it is up to date.
A new room enters FLOORS, the one line of order in the project, and nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FLOORS: tuple[tuple[str, ...], ...] = (
    ("kernel",),
    ("migrations",),
    ("party",),
    ("data",),
    ("ledger",),
    ("evidence",),
    ("score",),
    ("farm", "federation"),
    ("merchant",),
    ("payment",),
    ("exchange", "offline"),
    ("servicing",),
    ("lending", "insurance", "receivable"),
    ("securities",),
    ("aml", "supervision", "inclusion", "complaint", "draft", "webhook"),
    ("node",),
    ("worker",),
    ("intake",),
    ("demo",),
    ("channel",),
    ("web", "openbank", "edge", "voice", "api"),
    ("serve",),
    ("cli",),
    ("__main__",),
)
"""From the ground up: a name may import those before it; names of one floor stay apart."""

OPEN_ROOMS = ("kernel", "migrations")
"""Their modules are imported one by one: they have no door."""

WINDOW_READERS = ("node", "demo", "channel", "web", "api", "serve", "cli")
"""Who may look in at the window of a room: what assembles a node, what meets people and machines,
and the demo, which plays people at those pages; no room below."""

PURE_EXTERNALS = tuple(
    "alembic altair argon2 asyncio bbbrisk concurrent cryptography ctypes granian holidays http "
    "importlib io jinja2 lightgbm logging multiprocessing os pathlib prometheus_client psycopg "
    "pydantic random rich secrets segno shutil signal socket sqlalchemy sqlite3 starlette "
    "subprocess sys tempfile threading time typer urllib uuid vl_convert".split()
)
"""What a pure module must not import: clocks, chance, files, networks, stores, heavy libraries."""

PURE_KERNEL = ("money", "calendar", "errors", "compiled")
"""The parts of the kernel that a pure module may use."""

TYPE_ONLY = ("puhui.kernel.act -> puhui.kernel.node",)
"""An act carries its node, and the node runs acts: the first names the other as a type only."""

PURE_FILES = ("nouns", "rules", "arrays")


def names_in(folder: Path) -> set[str]:
    """Modules and packages that stand directly in ``folder``."""
    modules = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return modules | packages


def rooms_of(package: Path) -> list[str]:
    """The packages that are entered by a door, in the order of the floors."""
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    return [
        name for floor in FLOORS for name in floor if name in packages and name not in OPEN_ROOMS
    ]


def has_file(package: Path, kind: str) -> bool:
    """Whether any room has a module or folder of that name."""
    return any(package.glob(f"*/{kind}.py")) or any(package.glob(f"*/{kind}/__init__.py"))


def contract(name: str, title: str, kind: str, **options: list[str] | str) -> list[str]:
    """One contract as lines of the configuration file."""
    lines = ["", f"[importlinter:contract:{name}]", f"name = {title}", f"type = {kind}"]
    for option, value in options.items():
        if isinstance(value, str):
            lines.append(f"{option} = {value}")
        else:
            lines += [f"{option} =", *(f"    {line}" for line in value)]
    return lines


def layer_lines() -> list[str]:
    """The floors from the top down, each name optional until its room is built."""
    return [" | ".join(f"({name})" for name in floor) for floor in reversed(FLOORS)]


def purity_contracts(package: Path) -> list[str]:
    """Direct imports that nouns, rules and arrays must not have."""
    impure = sorted(names_in(package / "kernel") - set(PURE_KERNEL))
    forbidden = [f"puhui.kernel.{name}" for name in impure]
    forbidden += [f"puhui.*.{name}" for name in ("desk", "tables") if has_file(package, name)]
    lines: list[str] = []
    for kind in PURE_FILES:
        if not has_file(package, kind):
            continue
        lines += contract(
            f"pure-{kind}",
            f"{kind} are pure",
            "forbidden",
            source_modules=[f"puhui.*.{kind}"],
            forbidden_modules=[*forbidden, *PURE_EXTERNALS],
            allow_indirect_imports="True",
        )
    return lines


def window_lines(package: Path, room: str) -> list[str]:
    """The imports of the room's window that its door does not forbid."""
    if not (package / room / "window.py").exists():
        return []
    readers = [name for name in WINDOW_READERS if name in names_in(package) and name != room]
    return [
        f"puhui.{reader}{inside} -> puhui.{room}.window"
        for reader in readers
        for inside in (("", ".**") if (package / reader).is_dir() else ("",))
    ]


def door_contract(package: Path, room: str) -> list[str]:
    """Others may import the room, not what lies behind its door; channels its window too."""
    seen = window_lines(package, room)
    options: dict[str, list[str] | str] = {}
    if seen:
        options = {"ignore_imports": seen, "unmatched_ignore_imports_alerting": "none"}
    return contract(
        f"door-{room}",
        f"{room} is entered by its door",
        "protected",
        protected_modules=[f"puhui.{room}.**"],
        allowed_importers=[f"puhui.{room}", f"puhui.{room}.**"],
        as_packages="False",
        **options,
    )


def contracts_of(package: Path) -> str:
    """The whole configuration for the rooms found under ``package``."""
    lines = [
        "# Written by docs/make_contracts.py from the rooms that are there: do not edit.",
        "[importlinter]",
        "root_package = puhui",
        "include_external_packages = True",
    ]
    lines += contract(
        "floors",
        "a room uses only the doors of the floors below",
        "layers",
        containers=["puhui"],
        layers=layer_lines(),
        exhaustive="True",
    )
    lines += contract(
        "cycles",
        "no import cycle",
        "acyclic_siblings",
        ancestors=["puhui"],
        ignore_imports=list(TYPE_ONLY),
        unmatched_ignore_imports_alerting="none",
    )
    lines += purity_contracts(package)
    for room in rooms_of(package):
        lines += door_contract(package, room)
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` compare it; 1 when it is out of date."""
    target = ROOT / ".importlinter"
    wanted = contracts_of(ROOT / "puhui")
    if "--check" not in arguments:
        target.write_text(wanted, encoding="utf-8")
        return 0
    if target.exists() and target.read_text(encoding="utf-8") == wanted:
        return 0
    print(".importlinter is out of date: run `make docs`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
