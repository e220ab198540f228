"""Data (数据): who may read which field for which purpose, on what ground, and who did."""

from puhui.data.desk.consent import consent_at_desk, consents_of
from puhui.data.desk.lists import read_lists
from puhui.data.desk.permit import foresee, permit
from puhui.data.desk.reading import open_text, read_person, read_records
from puhui.data.desk.view import view
from puhui.data.nouns import Permit

__all__ = [
    "Permit",
    "permit",
    "foresee",
    "read_person",
    "read_records",
    "open_text",
    "view",
    "consents_of",
    "consent_at_desk",
    "read_lists",
]
