"""Payment (支付): wallets with tiers and limits, payments, codes to scan, and files of payments."""

__all__: list[str] = []
