"""Desks of servicing: what reads files or the store."""
