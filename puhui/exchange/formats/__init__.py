"""Codecs of exchange: what providers sign, and packets of the Interledger Protocol."""
