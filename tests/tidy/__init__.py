"""The house rules as functions over the syntax tree: each takes a source and returns findings."""
