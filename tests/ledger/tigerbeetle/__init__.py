"""The engine for TigerBeetle: its bytes, its session, and what is done when they fail."""
