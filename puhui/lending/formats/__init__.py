"""Formats of lending: products, law and reason texts as TOML, contract templates as text."""
