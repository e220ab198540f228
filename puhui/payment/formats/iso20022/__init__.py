"""Messages between banks (ISO 20022): structures, a safe reader, a writer, and their nouns."""
