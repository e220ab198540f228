"""Rules of servicing."""
