"""Pure rules of merchants: signals, and the row that a score reads."""
