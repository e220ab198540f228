"""Guarantees: asked for, shown as far as the borrower agreed, answered, kept while they bind."""
