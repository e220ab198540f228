"""Settling the county in a node through ordinary acts, and reading it back by consent."""
