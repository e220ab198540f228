"""Tests of lending: rules by worked cases and invariants, desks on both stores."""
