"""One suite for every engine of the ledger: what is decided, kept and told must be the same."""
