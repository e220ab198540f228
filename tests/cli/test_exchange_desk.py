"""The desk of exchange from the command line: a scheme is set up, used and closed by commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from puhui.node import open_node
from tests.cli.program import Program
from tests.exchange.scheme import Provider

pytestmark = pytest.mark.xdist_group("cli")


def figures(program: Program, *words: object) -> dict[str, object]:
    """What a command ends with, that must succeed."""
    ended = program("exchange", *words, "--json")
    assert ended.code == 0, ended.said
    return ended.figures


def test_a_scheme_is_run_by_commands(program: Program, tmp_path: Path) -> None:
    provider = Provider(3)
    assert str(figures(program, "open-currency", "CNY", "net_deferred")["window"]).startswith("w")
    assert figures(program, "open-currency", "USD", "gross_continuous")["window"] == ""
    provider.id = str(
        figures(program, "participant", "One", "provider", "--public-key", provider.public_key)[
            "participant"
        ]
    )
    for currency, kind in (("CNY", "net_deferred"), ("USD", "gross_continuous")):
        figures(program, "open-position", provider.id, currency, kind)
        told = ("funds-in", provider.id, currency, "1,000.00", "--reference", "r1")
        first = figures(program, *told)
        assert figures(program, *told) == first, "a reference is taken in once"
        assert figures(program, "cap", provider.id, currency, "400.00") == {
            "cap_minor": 40_000,
            "cover_minor": 40_000,
        }
    for reference, outcome, state in (("o1", "paid", "committed"), ("o2", "back", "aborted")):
        told = ("funds-out", provider.id, "CNY", "100.00", "--reference", reference)
        held = figures(program, *told)
        assert held["state"] == "reserved"
        assert figures(program, "end-funds-out", held["funds"], outcome)["state"] == state
    node = open_node(program.home)
    file = tmp_path / "quote.json"
    file.write_text(json.dumps(asdict(provider.quote(node))), "utf-8")
    node.close()
    posted = figures(program, "quote", file)
    assert posted["state"] == "open"
    assert figures(program, "withdraw-quote", posted["quote"])["state"] == "withdrawn"
    assert figures(program, "suspend", provider.id)["status"] == "suspended"
    shown = program("exchange", "participants", "--json")
    assert shown.figures == {"participants": 1, "positions": 2}
    for words in (provider.id, "suspended", "400.00", "500.00", "600.00"):
        assert words in shown.out
    assert figures(program, "resume", provider.id)["status"] == "active"


def test_what_the_desk_cannot_do_is_refused(program: Program, tmp_path: Path) -> None:
    assert program("exchange", "open-currency", "CNY", "net_deferred").code == 0
    (tmp_path / "broken.json").write_text("{", "utf-8")
    (tmp_path / "empty.json").write_text("{}", "utf-8")
    for words, code in (
        (("open-currency", "CNY", "net_deferred"), "exchange.currency_open"),
        (("open-currency", "USD", "daily"), "kernel.bad_input"),
        (("participant", "One", "provider"), "exchange.bad_key"),
        (("open-position", "nobody", "CNY", "net_deferred"), "exchange.unknown_participant"),
        (("funds-in", "nobody", "CNY", "5", "--reference", "r"), "exchange.no_position"),
        (("funds-in", "nobody", "CNY", "much", "--reference", "r"), "kernel.bad_amount"),
        (("cap", "nobody", "CNY", "5"), "exchange.no_position"),
        (("end-funds-out", "none", "paid"), "exchange.unknown_funds"),
        (("quote", tmp_path / "empty.json"), "kernel.bad_input"),
        (("withdraw-quote", "none"), "exchange.unknown_quote"),
        (("suspend", "nobody"), "exchange.unknown_participant"),
    ):
        ended = program("exchange", *words)
        assert (ended.code, f"({code})" in ended.err) == (2, True), ended.said
    for words in (
        ("end-funds-out", "none", "perhaps"),
        ("quote", tmp_path / "broken.json"),
        ("quote", tmp_path / "none.json"),
    ):
        assert program("exchange", *words).code == 2
