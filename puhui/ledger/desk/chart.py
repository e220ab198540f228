"""The chart of accounts, and the accounts of the general ledger; each read once."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any

from puhui.ledger.nouns import Chart
from puhui.ledger.nouns.general import GeneralAccount, GeneralChart, GeneralKind, SheetLine


def _read(name: str) -> dict[str, Any]:
    text = resources.files("puhui.ledger").joinpath(f"data/{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


@functools.cache
def chart() -> Chart:
    """The chart of accounts: ``chart().account("loan_principal")``, ``.transfer("fee")``."""
    read = _read("chart")
    return Chart(
        accounts={name: entry["code"] for name, entry in read["account"].items()},
        transfers={name: entry["code"] for name, entry in read["transfer"].items()},
        names={entry["code"]: entry["name"] for entry in read["account"].values()},
    )


@functools.cache
def general_chart() -> GeneralChart:
    """The accounts of the general ledger (会计科目表), and the lines of its statements."""
    read = _read("general")
    accounts = {
        entry["number"]: GeneralAccount(
            number=entry["number"],
            name=entry["name"],
            chinese=entry["chinese"],
            kind=GeneralKind(entry["kind"]),
            is_debit=entry["normal"] == "debit",
            line=entry["line"],
        )
        for entry in read["general"].values()
    }
    lines = tuple(
        SheetLine(name, entry["section"], entry["name"], entry["chinese"])
        for name, entry in read["line"].items()
    )
    return GeneralChart(accounts, lines)


@functools.cache
def transfer_words() -> dict[int, tuple[str, str]]:
    """The words for the reason of a transfer by code: English and Chinese."""
    return {
        entry["code"]: (entry["name"], entry["chinese"])
        for entry in _read("chart")["transfer"].values()
    }
