"""Live loans: opened, changed by events, posted, shared with lenders, secured."""
