"""A loan from its contract on: paid out, repaid, changed by one or by two, followed day by day."""
