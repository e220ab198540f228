"""The desks of offline, split by verb; importing them registers the use cases."""

from puhui.offline.desk import close, excess, grant, revoke, sync

__all__ = ["close", "excess", "grant", "revoke", "sync"]
