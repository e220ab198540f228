"""The desks of exchange, split by verb; importing them registers the use cases."""
