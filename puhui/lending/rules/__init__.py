"""Rules of lending, split by verb: pure functions, nouns in, nouns out or Refused."""
