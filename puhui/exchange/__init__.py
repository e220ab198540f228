"""Exchange (跨境兑换): currencies, quotes, payment versus payment, and settlement between participants."""

__all__: list[str] = []
