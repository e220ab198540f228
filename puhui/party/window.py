"""The window of party (窗口): who has logged in, and what staff may see of logins and keys."""

from puhui.party.desk.api_key import api_key_of, api_keys_of
from puhui.party.desk.factor import pending_factor
from puhui.party.desk.lists import staff_roles
from puhui.party.desk.session import (
    Session,
    digest_of_token,
    session_of,
    sessions_of,
    user_of_ended,
)
from puhui.party.desk.user import read_users
from puhui.party.nouns.session import ApiKey, Grade

__all__ = [
    "Session",
    "Grade",
    "session_of",
    "sessions_of",
    "user_of_ended",
    "digest_of_token",
    "pending_factor",
    "ApiKey",
    "api_key_of",
    "api_keys_of",
    "read_users",
    "staff_roles",
]
