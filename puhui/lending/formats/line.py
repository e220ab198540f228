"""The figures of credit lines that the bank ends, read from their dated file."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from puhui.lending.nouns.ask_loan import LineFigures


@lru_cache(maxsize=1)
def load_line_figures() -> LineFigures:
    """Days of notice and the reasons for it, as they come with the package."""
    text = (resources.files("puhui.lending") / "data" / "line.toml").read_text("utf-8")
    found = tomllib.loads(text)
    return LineFigures(found["notice_days"]["value"], tuple(found["reasons"]["value"]))
