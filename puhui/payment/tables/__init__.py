"""The tables of payment and every statement on them."""
