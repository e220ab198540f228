"""Pure rules of the county: signals, days, identity numbers."""
