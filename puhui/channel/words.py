"""The words of refusals and faults, in Chinese and English, for every channel."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

UNKNOWN = {"zh": "办理未成功，请稍后再试。", "en": "This did not work; please try again later."}


@lru_cache(maxsize=1)
def words_of_codes() -> dict[str, dict[str, str]]:
    """What is said of each code: ``zh`` and ``en``."""
    text = files("puhui.channel").joinpath("data", "refusals.toml").read_text("utf-8")
    return {
        f"{room}.{reason}": texts
        for room, codes in tomllib.loads(text).items()
        for reason, texts in codes.items()
    }


def said(code: str, language: str) -> str:
    """The sentence for people, in ``language`` ("zh" or "en"), of a refusal or fault code."""
    texts = words_of_codes().get(code, UNKNOWN)
    return texts["en" if language == "en" else "zh"]
