"""Ways to take a message to a phone."""
