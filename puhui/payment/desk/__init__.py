"""Use cases and queries of payments (支付)."""
