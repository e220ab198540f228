"""Pure rules of payments: limits of wallets, batches, shares of a bill, days of an order."""
