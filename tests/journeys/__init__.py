"""Journeys: one file for each row of the survey that is measured, from the first word to money."""
