"""Journeys use the program on homes of their own, as the tests of the command line do."""

from tests.cli.conftest import lender, lent, program

__all__ = ["lender", "lent", "program"]
