"""What drives deals between nodes."""
