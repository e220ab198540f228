"""What state 0009 adds to state 0008, room by room, as it was made then."""
