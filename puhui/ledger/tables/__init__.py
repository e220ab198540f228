"""All SQL of the ledger: its tables, and what writes, reads and verifies them."""
