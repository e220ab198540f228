"""Web (网页): the pages of citizens and the console of staff, which work without scripts."""

from puhui.web.app import build_pages

__all__ = ["build_pages"]
