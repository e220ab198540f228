"""What servicing speaks of."""
