"""Rules of exchange: prices, ends, legs, settlements and deals."""
