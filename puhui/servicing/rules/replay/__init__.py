"""Replay 重放: a loan recomputed from its ordered events, quotes, and what a change changes."""

from __future__ import annotations

from puhui.servicing.rules.fee import fee_each, fee_minor
from puhui.servicing.rules.replay.compare import deltas, quote
from puhui.servicing.rules.replay.refund import refunds_of
from puhui.servicing.rules.replay.run import replay

__all__ = ["deltas", "fee_each", "fee_minor", "quote", "refunds_of", "replay"]
