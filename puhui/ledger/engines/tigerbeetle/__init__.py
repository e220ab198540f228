"""The engine `tigerbeetle`: a replicated ledger elsewhere, spoken to in batches of records."""
