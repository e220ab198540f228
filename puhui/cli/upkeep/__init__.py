"""Keeping a node (运维): serving, days that are closed, keys, standbys, migrations and replay."""
