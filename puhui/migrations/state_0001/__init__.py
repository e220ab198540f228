"""The tables of state 0001, room by room, as they were made then."""
