"""Each check of the house can fail: it is fed a bad snippet, and a good one beside it.

Goal: a rule that never bites would be trusted for nothing. Method: worked cases of (check, path,
bad text, good text); import contracts are run on a copy of the package with one line added.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docs import check_lock
from docs.make_contracts import contracts_of
from tests.tidy import door, purity, size, text, word
from tests.tidy.tree import ROOT, Source, source_of, sources_in

RULES = "puhui/lending/rules/price.py"
DESK = "puhui/lending/desk.py"
NOUNS = "puhui/lending/nouns.py"
MONEY = "puhui/kernel/money.py"
DOOR = "puhui/lending/__init__.py"

LONG = "def price(a):\n" + "    a += 1\n" * 70
COMPILED = "def price(a):  # one loop for the compiler\n" + "    a += 1\n" * 119

IGNORED = "a = 1  # type: " + "ignore"

CASES: list[tuple[Callable[[Source], list[str]], str, str, str]] = [
    (size.long_functions, RULES, LONG, LONG.replace("(a):", "(a):  # compiled as one loop")),
    (size.long_functions, RULES, COMPILED + "    a += 1\n", COMPILED),
    (size.long_module, RULES, "a = 1\n" * 401, "a = 1\n" * 400),
    (size.long_lines, RULES, "a = '" + "x" * 95 + "'", "a = '" + "x" * 94 + "'"),
    (size.missing_docstrings, RULES, "a = 1", '"""Prices."""\na = 1'),
    (size.missing_docstrings, RULES, '"""A."""\ndef f(): ...', '"""A."""\ndef _f(): ...'),
    (size.missing_docstrings, RULES, '"""A."""\nclass A:\n  "B."\n  def f(): 1', '"""A."""'),
    (size.uncoded_ignores, RULES, IGNORED, IGNORED + "[x]"),
    (door.bad_door, DOOR, '"""Lending."""\n__all__ = ()', '"""Lending 信贷."""\n__all__ = ()'),
    (door.bad_door, DOOR, '"""信贷."""', '"""信贷."""\n__all__ = []'),
    (
        door.bad_door,
        DOOR,
        '"""信贷."""\n__all__ = ["f"]',
        '"""信贷."""\nfrom a import f\n__all__ = ["f"]',
    ),
    (door.bad_door, DOOR, '"""信贷."""\n__all__ = []\ndef f(): ...', '"""信贷."""\n__all__ = []'),
    (
        door.bad_door,
        DOOR,
        '"""信贷."""\nfrom a import b\n__all__ = [' + '"b", ' * 11 + "]",
        '"""信贷."""\nfrom a import b\n__all__ = [' + '"b", ' * 10 + "]",
    ),
    (door.crowded_kernel_module, MONEY, "class A: ...\n" * 15, "class A: ...\n" * 14),
    (
        purity.banned_calls,
        RULES,
        "from datetime import datetime\nnow = datetime.now()",
        "from datetime import datetime\nnow = datetime(2026, 1, 1)",
    ),
    (purity.banned_calls, DESK, "import datetime as d\nd.date.today()", "act.today"),
    (purity.banned_calls, DESK, "from time import time\nnow = time()", "now = act.now_us"),
    (purity.banned_calls, "puhui/kernel/act.py", "import time\ntime.time_ns()", "clock.now_us()"),
    (purity.banned_calls, DESK, "import random\nrandom.choice(x)", "act.dice.choice(x)"),
    (
        purity.banned_calls,
        DESK,
        "import random\nrandom.Random()",
        "import random\nrandom.Random(7)",
    ),
    (purity.banned_calls, DESK, "import uuid\nuuid.uuid4()", "act.new_id('loan')"),
    (purity.banned_calls, DESK, "import os\nos.environ['A']", "act.node.ports"),
    (purity.banned_calls, RULES, "open('a')", "def f(input): return input.a"),
    (purity.banned_calls, NOUNS, "print(1)", "str(1)"),
    (purity.impure_imports, RULES, "import os", "import math"),
    (
        purity.impure_imports,
        RULES,
        "from puhui.lending import desk",
        "from puhui.lending import nouns",
    ),
    (
        purity.impure_imports,
        RULES,
        "from puhui.kernel import store",
        "from puhui.kernel.money import Money",
    ),
    (
        purity.impure_imports,
        RULES,
        "from puhui.kernel.clock import Clock",
        "from decimal import Decimal",
    ),
    (
        purity.impure_imports,
        RULES,
        "from puhui.score import read_score",
        "from puhui.score import Score",
    ),
    (
        purity.impure_imports,
        RULES,
        "from puhui.payment import spend",
        "from puhui.servicing import divide",
    ),
    (purity.impure_imports, NOUNS, "from puhui.lending.rules import f", "import enum"),
    (purity.impure_imports, RULES, "from ..tables import LOAN", "from .fee import fee"),
    (
        purity.impure_imports,
        "puhui/score/rules.py",
        "from puhui.lending import Loan",
        "import numpy",
    ),
    (purity.impure_imports, RULES, "import numba", "from puhui.kernel.compiled import njit"),
    (purity.misplaced_sql, DESK, "from sqlalchemy import select", "from .tables import LOAN"),
    (purity.misplaced_sql, DESK, "tx.execute(LOAN)", "tx.one(LOAN)"),
    (purity.misplaced_sql, DESK, "a = 'select id from loan'", "a = 'select a product'"),
    (purity.misplaced_sql, DESK, "a = 'UPDATE loan SET x = 1'", "'''Delete from the list.'''"),
    (purity.misplaced_sql, DESK, "store.commit()", "act.tx"),
    (purity.floats_in_money, MONEY, "def f(minor: float): ...", "def f(minor: int): ..."),
    (purity.floats_in_money, MONEY, "a = 0.5", "a = Decimal('0.5')"),
    (purity.floats_in_money, MONEY, "a = float(b)", "a = int(b)"),
    (purity.floats_in_money, NOUNS, "class A:\n  fee_minor: float", "class A:\n  fee_minor: int"),
    (purity.broad_excepts, DESK, "try: f()\nexcept: ...", "try: f()\nexcept KeyError: ..."),
    (
        purity.broad_excepts,
        DESK,
        "try: f()\nexcept Exception: ...",
        "try: f()\nexcept (KeyError, OSError): ...",
    ),
    (
        purity.broad_excepts,
        "puhui/kernel/node.py",
        "try: f()\nexcept Exception: ...",
        "try: f()\nexcept Exception:  # neighbours in the group must go on\n  ...",
    ),
    (
        purity.broad_excepts,
        DESK,
        "try: f()\nexcept BaseException:\n  raise OSError from None",
        "try: f()\nexcept BaseException:\n  g()\n  raise",
    ),
    (purity.misplaced_sql, "puhui/worker.py", "a.execute()", "writer.commit()"),
    (purity.banned_libraries, DESK, "import pandas.api", "import numpy"),
    (purity.joined_asserts, DESK, "assert a and b", "assert a\nassert b or c"),
    (word.misused_words, DESK, "class LoanManager: ...", "class Loan: ..."),
    (word.misused_words, DESK, "transaction = 1", "tx = 1"),
    (word.misused_words, DESK, "def settlement(): ...", "def pay_off(): ..."),
    (word.misused_words, DESK, "policy_id = 1", "grant_id = 1"),
    (word.misused_words, DESK, "loan.tranche = 1", "loan.drawdown = 1"),
    (word.misused_words, DESK, "def f(limit): ...", "def f(credit_limit): ..."),
    (word.misused_words, DESK, "limit_minor = 1", "credit_limit_minor = 1"),
    (word.misused_words, DESK, "installment = 1", "instalment = 1"),
    (word.misused_words, "puhui/party/desk.py", "account = 1", "user = 1"),
    (word.misused_words, "puhui/ledger/desk.py", "model = 1", "engine = 1"),
    (word.misused_words, DESK, "user_account = 1", "funding_account = 1"),
    (word.misused_words, DESK, "import a as utils", "import a as table"),
    (word.misused_words, "puhui/party/tables.py", "Table('account', m)", "Table('party', m)"),
    (word.misused_words, "puhui/party/helpers.py", "", ""),
]


@pytest.mark.parametrize(("check", "path", "bad", "good"), CASES)
def test_a_check_bites_and_lets_go(
    check: Callable[[Source], list[str]], path: str, bad: str, good: str
) -> None:
    """The bad snippet is found, the good one beside it is not."""
    assert check(source_of(path, bad)) != []
    good_path = path.replace("helpers", "rules")
    assert check(source_of(good_path, good)) == []


def test_an_untested_door_name_is_found() -> None:
    """An import is no use: the name must be called, compared or named as a use case."""
    lending = source_of(DOOR, '"""信贷."""\nfrom .desk import apply\n__all__ = ["apply"]')
    imported = source_of("tests/lending/test_a.py", "from puhui.lending import apply")
    called = source_of("tests/lending/test_a.py", "apply(act)")
    acted = source_of("tests/lending/test_a.py", "node.act('lending.apply', input)")
    assert door.untested_entries(lending, [imported]) != []
    assert door.untested_entries(lending, [called]) == []
    assert door.untested_entries(lending, [acted]) == []


def test_type_ignores_are_counted() -> None:
    """The count is of lines, so that twenty is twenty."""
    two = "a = 1  # type: ignore" + "[x]\nb = 1  # type: ignore" + "[y]\n"
    assert size.ignores(source_of(DESK, two)) == 2


def test_text_checks_bite() -> None:
    """Machine paths, registry hosts, loose pins, bad TOML, bad notes, idle wildcards."""
    root, host = "/wo" + "rk/", "py" + "pi.org"
    assert text.machine_traces("a.md", f"see {root}main") != []
    assert text.machine_traces("a.md", f"https://{host}/simple") != []
    assert text.machine_traces("a.md", f"see docs{root}a and /usr/bin/env") == []
    assert text.empty_file_name("puhui/lending/utils.py") != []
    assert text.empty_file_name("puhui/lending/rules.py") == []
    assert text.bad_lock("r.txt", "numpy>=2\n") != []
    assert text.bad_lock("r.txt", "--index" + "-url a\n") != []
    assert text.bad_lock("r.txt", "numpy==2.4.6 ; a == 'b'\n    # via scipy\n") == []
    assert text.bad_toml("puhui/a/b.toml", "a = ") != []
    assert text.bad_toml("puhui/lending/products/a.toml", "rate_max = 1") != []
    assert text.bad_toml("puhui/lending/products/a.toml", "a = 1\nsource = 'x'") == []
    assert text.bad_decision("0001.md", "# A\n## Context\n## Choice\n") != []
    assert text.bad_decision("0001.md", "# A\n## Context\n## Choice\n## Price\n" + "a\n" * 37) != []
    assert text.bad_decision("0001.md", "# A\n## Context\n## Choice\n## Price\n") == []
    assert text.bad_numbering(["0001-a.md", "0003-b.md"]) != []
    assert text.bad_changelog("# C\n## 0.1.0\n## Unreleased\n") != []
    assert text.bad_changelog("# C\n## Unreleased\n## 0.1.0\n## 0.2.0\n") != []
    assert text.bad_changelog("# C\n## Unreleased\n## 0.10.0\n## 0.9.0\n") == []
    assert text.unmatched_wildcards("puhui.*.rules", {"puhui.a.desk"}) != []
    assert text.unmatched_wildcards("puhui.*.rules", {"puhui.a.rules.price"}) == []
    assert text.unmatched_wildcards("puhui.a.**", {"puhui.a"}) != []
    assert text.unmatched_wildcards("puhui.a.**", {"puhui.a.desk"}) == []


SMALL_HOUSE = {
    "__init__.py": "",
    "kernel/__init__.py": "",
    "kernel/money.py": "import puhui.kernel.errors",
    "kernel/errors.py": "",
    "kernel/clock.py": "import time",
    "party/__init__.py": "from puhui.party.nouns import Party",
    "party/nouns.py": "import puhui.kernel.money\nclass Party: ...",
    "party/tables.py": "",
    "ledger/__init__.py": "from puhui.ledger.desk import create_transfers",
    "ledger/desk.py": "from puhui.party import Party\ncreate_transfers = 1",
    "ledger/rules.py": "",
}
BROKEN_IMPORTS = [
    ("kernel/money.py", "import puhui.ledger", "floors below"),
    ("party/nouns.py", "import puhui.ledger", "floors below"),
    ("casino/__init__.py", "", "floors below"),
    ("ledger/desk.py", "import puhui.party.tables", "party is entered by its door"),
    ("ledger/rules.py", "import time", "rules are pure"),
    ("ledger/rules.py", "import puhui.kernel.clock", "rules are pure"),
    ("party/nouns.py", "import puhui.party.tables", "nouns are pure"),
    ("kernel/errors.py", "import puhui.kernel.money", "no import cycle"),
]


def lint_imports(house: Path) -> tuple[int, list[str]]:
    """Run the import contracts of ``house`` in a process of their own: exit code, broken ones."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache"]
    done = subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)
    rows = [row for row in done.stdout.splitlines() if row.endswith((" KEPT", " BROKEN"))]
    assert rows, done.stdout + done.stderr
    return done.returncode, [row for row in rows if row.endswith(" BROKEN")]


def build(house: Path, modules: dict[str, str]) -> None:
    """Lay the modules out under ``house`` and write the contracts they ask for."""
    for name, content in modules.items():
        path = house / "puhui" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n", encoding="utf-8")
    contracts = contracts_of(house / "puhui")
    (house / ".importlinter").write_text(contracts, encoding="utf-8")


def test_a_tidy_small_house_breaks_no_contract(tmp_path: Path) -> None:
    """Doors downward, kernel modules one by one, own files: all allowed."""
    build(tmp_path, SMALL_HOUSE)
    assert lint_imports(tmp_path) == (0, [])


@pytest.mark.parametrize(("name", "line", "title"), BROKEN_IMPORTS)
def test_an_import_contract_bites(tmp_path: Path, name: str, line: str, title: str) -> None:
    """One import upward, past a door, into a pure module or in a circle, or an unknown room."""
    build(tmp_path, SMALL_HOUSE)
    module = tmp_path / "puhui" / name
    module.parent.mkdir(exist_ok=True)
    before = module.read_text(encoding="utf-8") if module.exists() else ""
    module.write_text(f"{before}\n{line}\n", encoding="utf-8")
    code, broken = lint_imports(tmp_path)
    assert code == 1
    assert [row for row in broken if title in row] == broken[:1], broken


def test_the_real_contracts_forbid_an_upward_import(tmp_path: Path) -> None:
    """The package as it is, with one import from the ground floor to a room above."""
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "puhui", tmp_path / "puhui", ignore=skipped)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    with (tmp_path / "puhui/kernel/errors.py").open("a", encoding="utf-8") as errors:
        errors.write("\nimport puhui.node\n")
    code, broken = lint_imports(tmp_path)
    assert code == 1
    assert any("floors below" in row for row in broken), broken


def test_the_tree_is_really_read() -> None:
    """The checks see the sources: a folder renamed would leave them idle."""
    assert len(sources_in("puhui")) > 10
    assert any(source.is_door for source in sources_in("puhui"))
    assert any(source.is_pure for source in sources_in("puhui"))


def test_the_audit_of_the_lock_finds_each_difference() -> None:
    """Another version, a missing package, a stranger, and what pip complains of."""
    lock = [
        "# a comment",
        "one==1.0",
        "    # via two",
        "Two_Words==2.0 ; python_version >= '3.11'",
        "never==1.0 ; python_version < '3'",
    ]
    wanted = check_lock.pins(lock)
    assert wanted == {"one": "1.0", "two-words": "2.0"}
    assert check_lock.differences(wanted, {"one": "1.0", "two-words": "2.0", "pip": "1"}) == []
    found = check_lock.differences(wanted, {"one": "1.1", "stranger": "3.0"})
    assert found == [
        "one 1.1, the lock has 1.0",
        "two-words is missing, the lock has 2.0",
        "stranger 3.0 is in no lock",
    ]
    complaint = "one 1.0 requires three, which is not installed."
    said = f"bbbrisk 1.0.2 requires pandas, which is not installed.\n{complaint}\n"
    assert check_lock.complaints_of_pip(said) == [complaint]
    assert check_lock.complaints_of_pip("No broken requirements found.\n") == []
