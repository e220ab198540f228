"""The desks of complaints, split by verb; importing them registers the use cases."""
