"""The desks of servicing, split by verb; importing them registers the use cases."""
