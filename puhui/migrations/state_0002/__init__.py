"""What state 0002 adds to state 0001, room by room, as it was made then."""
