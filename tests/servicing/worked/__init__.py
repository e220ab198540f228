"""Loans worked out by hand: figures of the contract, the law or the standard, then the books."""
