"""Tests of the channel intake."""
