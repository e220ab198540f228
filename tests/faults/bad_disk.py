"""A process on a failing disk that is started once, and forks a child for each run of a test.

Run as ``python -m tests.faults.bad_disk`` with the shim preloaded. It has imported and compiled
what the tests run, so that each run costs a fork instead of a start. Its own disk does not fail:
what fails is named in the environment, which each child gets for itself.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import NamedTuple

from tests.tidy.tree import ROOT


class Ran(NamedTuple):
    """What a run ended with, and what it wrote."""

    code: int
    out: str
    error: str


class BadDisk:
    """The process, from the test's side."""

    def __init__(self, shim: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.bad_disk"],
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(shim)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, function: str, *arguments: object, **disk: object) -> Ran:
        """Run ``module:function`` of the tests in a child whose disk fails as ``disk`` says."""
        faults = {f"PUHUI_DISK_{name.upper()}": str(value) for name, value in disk.items()}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = [function, [str(one) for one in arguments], faults]
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        # A child that hangs is ended with this process, by the test's own time limit.
        answer = self._process.stdout.readline()
        assert answer, "the process on the failing disk is gone"
        return Ran(*json.loads(answer))

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(30)


def _run(function: str, arguments: list[str]) -> int:
    module, _, name = function.partition(":")
    try:
        return int(
            getattr(importlib.import_module(f"tests.faults.{module}"), name)(*arguments) or 0
        )
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1


def _in_child(function: str, arguments: list[str], faults: dict[str, str]) -> Ran:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(error.fileno(), 2)
            os.environ.update(faults)
            code = _run(function, arguments)
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, error):
            file.seek(0)
            texts.append(file.read().decode())
        return Ran(code, *texts)


def _warm_up() -> None:
    """Import and compile what the runs need; no thread is left, so that it may be forked."""
    from tests.faults import batching, engines, framing

    assert batching
    assert framing
    with tempfile.TemporaryDirectory() as folder:
        kept = os.dup(1)
        os.dup2(2, 1)
        engines.batches(folder, "1", "2")
        os.dup2(kept, 1)
        os.close(kept)
    assert threading.active_count() == 1, threading.enumerate()


def main() -> None:
    """Serve the tests until they close the input."""
    _warm_up()
    for line in sys.stdin:
        print(json.dumps(_in_child(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
