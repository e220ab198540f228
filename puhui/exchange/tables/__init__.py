"""Tables and statements of exchange, split by what they are about."""
