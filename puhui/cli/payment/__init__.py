"""Commands that move money (支付): files of payments, messages, other nodes, and devices."""
