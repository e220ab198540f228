"""The chart of accounts, read once."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from puhui.ledger.nouns import Chart


@functools.cache
def chart() -> Chart:
    """The chart of accounts: ``chart().account("loan_principal")``, ``.transfer("fee")``."""
    text = resources.files("puhui.ledger").joinpath("data/chart.toml").read_text("utf-8")
    read = tomllib.loads(text)
    return Chart(
        accounts={name: entry["code"] for name, entry in read["account"].items()},
        transfers={name: entry["code"] for name, entry in read["transfer"].items()},
        names={entry["code"]: entry["name"] for entry in read["account"].values()},
    )
