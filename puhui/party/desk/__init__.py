"""The desks of party, split by verb; importing them registers the use cases."""

from puhui.party.desk import (
    api_key,
    code,
    customer,
    factor,
    file,
    hold,
    identity,
    lists,
    look_up,
    password,
    register,
    session,
    user,
)

__all__ = [
    "api_key",
    "code",
    "customer",
    "factor",
    "file",
    "hold",
    "identity",
    "lists",
    "look_up",
    "password",
    "register",
    "session",
    "user",
]
