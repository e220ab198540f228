"""Tests of servicing: schedules and replay by worked cases, invariants and open corpora."""
