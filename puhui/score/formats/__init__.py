"""Written forms of scoring: mappings in TOML and models in canonical JSON."""
