"""The desks of data, split by verb; importing them registers the use cases."""

from puhui.data.desk import consent, lists, permit, reading, share, view

__all__ = ["consent", "lists", "permit", "reading", "share", "view"]
