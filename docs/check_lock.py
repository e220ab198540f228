"""Audit what is installed: every package is the one that the locks pin, and none is beside them.

`python docs/check_lock.py` compares the environment with requirements.txt and requirements-dev.txt
and runs pip's own check; 1 when something differs. It asks no network: known weaknesses of the
pins are looked up by whoever has one, with `pip-audit -r requirements.txt --no-deps`.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
OWN = frozenset(("puhui", "pip", "setuptools", "wheel"))
"""Ours, and what makes the environment."""

DATA_ONLY = "bbbrisk"
"""Only its data file is read, so what it asks for is left out on purpose."""


def pins(lines: list[str]) -> dict[str, str]:
    """The version of each package that a lock pins for this Python and platform."""
    found: dict[str, str] = {}
    for line in lines:
        if line[:1] in ("#", " ", ""):
            continue
        pinned = Requirement(line)
        if pinned.marker is None or pinned.marker.evaluate():
            (version,) = (one.version for one in pinned.specifier)
            found[canonicalize_name(pinned.name)] = version
    return found


def differences(wanted: dict[str, str], installed: dict[str, str]) -> list[str]:
    """What is missing, another version, or not in the lock."""
    found = [
        f"{name} {installed.get(name, 'is missing')}, the lock has {version}"
        for name, version in sorted(wanted.items())
        if installed.get(name) != version
    ]
    strangers = sorted(set(installed) - set(wanted) - OWN)
    return found + [f"{name} {installed[name]} is in no lock" for name in strangers]


def complaints_of_pip(text: str) -> list[str]:
    """What `pip check` complains of, beside the package that is there for its data alone."""
    return [
        line
        for line in text.splitlines()
        if line and not line.startswith((f"{DATA_ONLY} ", "No broken requirements"))
    ]


def main() -> int:
    """Print what differs; 1 where anything does."""
    wanted: dict[str, str] = {}
    for name in LOCKS:
        wanted |= pins((ROOT / name).read_text(encoding="utf-8").splitlines())
    installed: dict[str, str] = {
        str(canonicalize_name(one.metadata["Name"])): one.version
        for one in distributions()
        if one.metadata["Name"]
    }
    command = [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    found = differences(wanted, installed) + complaints_of_pip(checked.stdout)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
