"""Signatures of offline papers."""
