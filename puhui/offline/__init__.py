"""Offline (离线支付): signed allowances and vouchers that pay without a network."""

__all__: list[str] = []
