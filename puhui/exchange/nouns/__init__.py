"""What exchange speaks of: participants, quotes, legs, windows and deals."""
