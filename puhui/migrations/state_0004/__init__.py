"""What state 0004 adds to state 0003, room by room, as it was made then."""
