"""The claims: what the survey reports, what was measured here, by what, on what, when."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import puhui

KEPT = "claims.json"
SECONDS_MAX = 1800


@dataclass(frozen=True, slots=True)
class Command:
    """Something that prints figures: words of the program, or a script of the checkout.

    ``needs`` is a file under ``PUHUI_DATA``; ``data_of`` names the command whose data it uses.
    """

    name: str
    words: tuple[str, ...]
    script: tuple[str, ...]
    needs: str
    data_of: str
    on: str

    @property
    def shown(self) -> str:
        """The command as somebody would type it."""
        if self.script:
            return f"python {' '.join(self.script)} --json"
        words = [
            self.needs.rpartition("/")[2] if word == "{needs}" else word for word in self.words
        ]
        quoted = [f'"{word}"' if " " in word else word for word in words]
        return f"puhui {' '.join(quoted)} --json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a row: what the survey reports, and where ours comes from, if it does.

    A ``is_market`` figure cannot be measured here; what stands beside it is the nearest proxy.
    ``form`` says how it is shown: "" as a number, "share" as per cent, "minor" as major units.
    """

    what: str
    reported: str
    command: str
    name: str
    unit: str
    is_market: bool
    form: str


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One system of the survey."""

    number: int
    zh: str
    en: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command printed, on which data, with which code, on which day (UTC)."""

    figures: Mapping[str, object]
    command: str
    data_digest: str
    commit: str
    measured_on: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure as it stands now: its value, and "measured", "stale", "proxy", "market", "none"."""

    figure: Figure
    state: str
    value: object = None
    is_stale: bool = False
    measured: Measured | None = None


@lru_cache(maxsize=1)
def _told() -> dict[str, Any]:
    text = resources.files("puhui.cli").joinpath("data", "claims.toml").read_text("utf-8")
    return tomllib.loads(text)


def survey_source() -> str:
    """Where the reported figures come from."""
    return str(_told()["source"])


@lru_cache(maxsize=1)
def survey_rows() -> tuple[SurveyRow, ...]:
    """The 35 rows, as claims.toml has them."""
    return tuple(
        SurveyRow(
            row["number"],
            row["zh"],
            row["en"],
            tuple(
                Figure(
                    what=one["what"],
                    reported=one["reported"],
                    command=one.get("command", ""),
                    name=one.get("name", ""),
                    unit=one.get("unit", ""),
                    is_market=one.get("market", False),
                    form=one.get("as", ""),
                )
                for one in row["figures"]
            ),
        )
        for row in _told()["row"]
    )


@lru_cache(maxsize=1)
def commands() -> Mapping[str, Command]:
    """The commands that measure, by name, in the order in which they run."""
    return {
        name: Command(
            name,
            tuple(one.get("words", ())),
            tuple(one.get("script", ())),
            one.get("needs", ""),
            one.get("data_of", ""),
            one["on"],
        )
        for name, one in _told()["command"].items()
    }


def checkout() -> Path | None:
    """The checkout that the package lies in, or None where it was installed."""
    root = Path(puhui.__file__).resolve().parent.parent
    return root if (root / "bench").is_dir() and (root / "pyproject.toml").is_file() else None


def commit_now() -> str:
    """The commit of the code that runs; changes on top of it are named by their digest.

    Outside a git checkout it is the version of the package.
    """
    root = checkout()
    if root is None or not (root / ".git").exists() or shutil.which("git") is None:
        return puhui.__version__
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if not head:
        return puhui.__version__
    changes = _git(root, "diff", "HEAD", "--", "puhui", "bench")
    names = _git(root, "ls-files", "--others", "--exclude-standard", "--", "puhui", "bench")
    for name in names.split("\n"):
        path = root / name
        changes += hashlib.sha256(path.read_bytes()).hexdigest() if name and path.is_file() else ""
    return f"{head}+{hashlib.sha256(changes.encode()).hexdigest()[:8]}" if changes else head


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ("git", "--no-optional-locks", *words),
        cwd=root,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def read_kept(home: Path) -> dict[str, Measured]:
    """What was measured before, by command; nothing where the file is missing or unreadable."""
    try:
        kept = json.loads((home / KEPT).read_text("utf-8"))
        return {name: Measured(**one) for name, one in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def keep(home: Path, measured: Mapping[str, Measured]) -> None:
    """Keep what was measured, whole or not at all."""
    home.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {
            name: {
                "figures": dict(one.figures),
                "command": one.command,
                "data_digest": one.data_digest,
                "commit": one.commit,
                "measured_on": one.measured_on,
            }
            for name, one in measured.items()
        },
        ensure_ascii=False,
        indent=1,
    )
    draft = home / f"{KEPT}.{os.getpid()}.draft"
    draft.write_text(text, "utf-8")
    draft.replace(home / KEPT)


def standing_of(figure: Figure, kept: Mapping[str, Measured], commit: str) -> Standing:
    """A figure as it stands: measured with this code, with other code (stale), or not at all."""
    measured = kept.get(figure.command)
    value = measured.figures.get(figure.name) if measured is not None else None
    if measured is None or value is None:
        return Standing(figure, "market" if figure.is_market else "none")
    is_stale = measured.commit != commit
    if figure.is_market:
        return Standing(figure, "proxy", value, is_stale, measured)
    return Standing(figure, "stale" if is_stale else "measured", value, is_stale, measured)


Run = Callable[[tuple[str, ...], Mapping[str, str], Path], Mapping[str, object]]


def run_command(
    words: tuple[str, ...], environment: Mapping[str, str], folder: Path
) -> Mapping[str, object]:
    """Run a program and read the JSON object that is the last line it prints.

    Fault: ``cli.claim_failed`` with the last line of what it said on stderr.
    """
    from puhui.kernel.errors import Fault

    done = subprocess.run(
        words,
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    lines = done.stdout.decode("utf-8", "replace").strip().split("\n")
    try:
        found = json.loads(lines[-1])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise Fault("cli.claim_failed", f"{' '.join(words[:4])} gave no figures: {said[:300]}")
    return found


def measure(
    names: Iterable[str],
    kept: Mapping[str, Measured],
    *,
    step: Callable[[str, int, int], None],
    run: Run = run_command,
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Run the commands ``names`` and those whose data they use, on one scratch node.

    Returns what is known now, and why commands were left out. A command that fails keeps what
    was measured before, which is stale or not by its commit.
    """
    from puhui.kernel.errors import Fault

    wanted = _with_sources(names)
    found, left_out = dict(kept), dict[str, str]()
    commit, root = commit_now(), checkout()
    folder = Path(tempfile.mkdtemp(prefix="puhui-claims-"))
    try:
        for place, command in enumerate(wanted):
            step(f"measuring: {command.shown}", 0, 1)
            why = _missing(command, root)
            if why:
                left_out[command.name] = why
                continue
            try:
                figures = run(_words(command), _environment(folder), root or folder)
            except (Fault, subprocess.TimeoutExpired) as error:
                left_out[command.name] = str(error)
                continue
            found[command.name] = Measured(
                {name: value for name, value in figures.items() if name != "report"},
                command.shown,
                _data_digest(command, figures, found, root),
                commit,
                datetime.now(UTC).date().isoformat(),
            )
            step(f"measuring: {command.shown}", 1, 1)
            assert place < len(wanted)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found, left_out


def _with_sources(names: Iterable[str]) -> list[Command]:
    known, wanted = commands(), set(names)
    wanted |= {known[name].data_of for name in wanted if known[name].data_of}
    return [command for name, command in known.items() if name in wanted]


def _missing(command: Command, root: Path | None) -> str:
    """Why a command cannot run here; nothing where it can."""
    if command.script and root is None:
        return "it is a script of the checkout, and puhui was installed without one"
    if command.needs:
        data = os.environ.get("PUHUI_DATA")
        if not data:
            return f"it needs {command.needs} in the folder that PUHUI_DATA names"
        if not (Path(data) / command.needs).is_file():
            return f"there is no {command.needs} in PUHUI_DATA"
    return ""


def _words(command: Command) -> tuple[str, ...]:
    if command.script:
        return (sys.executable, *command.script, "--json")
    data = Path(os.environ.get("PUHUI_DATA", "")).resolve()
    words = [str(data / command.needs) if word == "{needs}" else word for word in command.words]
    return (sys.executable, "-m", "puhui", *words, "--json")


def _environment(folder: Path) -> dict[str, str]:
    """The settings of this process, with a home, a store and a key of its own."""
    left = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PUHUI_STORE", "PUHUI_MASTER_KEY")
    }
    return {**left, "PUHUI_HOME": str(folder)}


def _data_digest(
    command: Command,
    figures: Mapping[str, object],
    found: Mapping[str, Measured],
    root: Path | None,
) -> str:
    """SHA-256 of the data: as the command says, of what it looks over, of the file it reads, or of
    what its figures are drawn from: a script's dice, or the words that name amounts and a seed.
    """
    if isinstance(figures.get("data_digest"), str):
        return str(figures["data_digest"])
    if command.data_of in found:
        return found[command.data_of].data_digest
    if command.needs:
        data = Path(os.environ["PUHUI_DATA"]) / command.needs
        return hashlib.sha256(data.read_bytes()).hexdigest()
    if command.script and root is not None:
        return hashlib.sha256((root / command.script[0]).read_bytes()).hexdigest()
    return hashlib.sha256(command.shown.encode()).hexdigest()
