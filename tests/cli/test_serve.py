"""Serving from the command line: keys for machines, and a run that is served while it works."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from puhui.node import open_node
from puhui.party.window import api_key_of
from tests.cli.program import Program
from tests.serve.program import Served, begin, free_port


def test_keys_are_made_listed_and_revoked(program: Program) -> None:
    """The token is shown once and opens the store's key; unknown scopes are named."""
    made = program(
        "api-key", "create", "Town", "--scope", "lending.apply", "--scope", "lending.decide",
        "--json",
    )  # fmt: skip
    assert made.code == 0
    node = open_node(program.home)
    with node.read() as tx:
        key = api_key_of(node, tx, made.figures["token"])
    node.close()
    assert key is not None
    assert (key.id, key.scopes) == (made.figures["key"], ("lending.apply", "lending.decide"))
    listed = program("api-key", "list", "--json")
    assert "Town" in listed.said
    assert listed.figures == {"keys": 1, "in_force": 1}
    assert made.figures["token"] not in listed.said
    revoked = program("api-key", "revoke", key.id, "--json").figures
    assert revoked == {"key": key.id, "is_revoked": True}
    assert program("api-key", "list", "--json").figures == {"keys": 1, "in_force": 0}
    wrong = program("api-key", "create", "Town", "--scope", "lending.everything")
    assert wrong.code == 2
    assert "lending.read_loan" in wrong.said
    assert (
        program("api-key", "create", "Town", "--scope", "lending.apply", "--days", "999").code == 2
    )
    assert program("api-key", "revoke", "key-nobody").code == 2


def test_certificate_and_key_belong_together(program: Program, tmp_path: Path) -> None:
    """One without the other is refused."""
    chain = tmp_path / "chain.pem"
    chain.write_text("x")
    assert program("serve", "--cert", chain).code == 2


def test_a_run_is_served_from_the_start_and_can_be_cut_off(tmp_path: Path) -> None:
    """Pages answer while the county is settled; Ctrl-C ends it, and the exit code says so."""
    port = free_port()
    process = begin(tmp_path / "home", "run", "--port", str(port))
    running = Served(process, port)
    try:
        started = time.monotonic()
        while not running.is_ready():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() - started < 60
            time.sleep(0.05)
        assert running.get("/")[0] == 200
        code, out, err = running.end(signal.SIGINT)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert code == 130
    assert f"Serving http://127.0.0.1:{port}" in out
    assert "the same command goes on" in err
    assert "Traceback" not in err
