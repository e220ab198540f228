"""Commands of the credit desk: products, partners, offers, guarantees, relief, credit limits."""
