"""Drafts (草稿): what a person has typed and not sent yet, sealed under the person's own key."""

from puhui.draft.desk import draft_field, sealed_draft

__all__ = ["draft_field", "sealed_draft"]
