"""What state 0005 adds to state 0004, room by room, as it was made then."""
