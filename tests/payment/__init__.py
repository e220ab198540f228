"""Tests of payment."""
