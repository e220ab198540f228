"""Written forms of payments: codes to scan, and messages between banks."""
