"""A loan that runs: repaid, changed by one or by two, charged when late, followed day by day."""
