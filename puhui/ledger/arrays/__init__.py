"""The ledger in arrays: records of 128 bytes, and the compiled twin of the rules of transfers."""
