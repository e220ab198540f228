"""Contracts and money: signed, secured, paid out, drawn in parts, given back, lines ended."""
