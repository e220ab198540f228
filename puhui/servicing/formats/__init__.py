"""Codecs of servicing: open corpora of schedules, read without their expected rows."""
