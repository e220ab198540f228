"""The window of the ledger (窗口): what pages name of it beside its door."""

from puhui.ledger.nouns import Posting

__all__ = ["Posting"]
