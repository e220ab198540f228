"""What state 0008 adds to state 0007, room by room, as it was made then."""
