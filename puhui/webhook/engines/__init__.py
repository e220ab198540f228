"""What meets the network: addresses that may be told, and the telling."""
