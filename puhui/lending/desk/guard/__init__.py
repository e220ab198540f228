"""Over-lending: every debt of a person, what income carries, limits and offers within it."""
