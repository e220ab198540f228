"""Party (主体): who persons and firms are, who may log in, and what keeps a person from erasure."""

from puhui.party.desk import sealing
from puhui.party.desk.file import read_party_file
from puhui.party.desk.hold import place_hold, release_hold
from puhui.party.desk.look_up import (
    find_parties,
    take_parties,
    take_party,
)
from puhui.party.desk.user import actor_of, check_actor
from puhui.party.nouns import Party

__all__ = [
    "Party",
    "take_party",
    "take_parties",
    "place_hold",
    "release_hold",
    "check_actor",
    "find_parties",
    "read_party_file",
    "sealing",
    "actor_of",
]
