"""Batch twins of the rules of scoring, and what is computed from whole tables."""
