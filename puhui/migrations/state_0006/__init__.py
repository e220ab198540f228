"""What state 0006 adds to state 0005, room by room, as it was made then."""
