"""The desks of data, split by verb; importing them registers the use cases."""

from puhui.data.desk import consent, export, lists, permit, reading, share, view

__all__ = ["consent", "export", "lists", "permit", "reading", "share", "view"]
