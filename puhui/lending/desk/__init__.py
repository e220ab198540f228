"""The desks of lending, split by verb."""
