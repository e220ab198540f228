"""The ledger beside the store: what acts move there, and what is read of it."""
