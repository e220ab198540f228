"""The desks of party, split by verb; importing them registers the use cases."""

from puhui.party.desk import file, hold, identity, lists, look_up, register, user

__all__ = ["file", "hold", "identity", "lists", "look_up", "register", "user"]
