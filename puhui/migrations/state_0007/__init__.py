"""What state 0007 adds to state 0006, room by room, as it was made then."""
