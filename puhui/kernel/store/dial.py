"""Connecting to PostgreSQL: one server, or the one of several that takes writes now."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from puhui.kernel.errors import Refused

ALONE_CONNECT_S_MAX, ALONE_LOCK_S_MAX, ALONE_WAIT_S_MAX = 10, 20, 60
"""With one server: how long to wait for a connection, for a row, and for any answer."""

SEVERAL_CONNECT_S_MAX, SEVERAL_LOCK_S_MAX, SEVERAL_WAIT_S_MAX = 2, 6, 8
"""With several: a server that is silent for so long is given up, and the next one is asked."""


class Address:
    """Where the store's servers are: a URL with one host or several (``@one,two/database``).

    Refused: ``kernel.bad_store_url``.
    """

    def __init__(self, url: str) -> None:
        try:
            parts: dict[str, Any] = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise Refused("kernel.bad_store_url", f"This is no address ({error}).") from None
        hosts = str(parts.get("host") or "").split(",")
        ports = str(parts.get("port") or "").split(",")
        if len(ports) == 1:
            ports *= len(hosts)
        if len(ports) != len(hosts):
            raise Refused("kernel.bad_store_url", "Give one port, or one for each host.")
        self.is_several = len(hosts) > 1
        if self.is_several:
            parts.setdefault("target_session_attrs", "read-write")
            parts.setdefault("connect_timeout", SEVERAL_CONNECT_S_MAX)
        else:
            parts.setdefault("connect_timeout", ALONE_CONNECT_S_MAX)
        self.servers = tuple(
            make_conninfo("", **(parts | {"host": host, "port": port}))
            for host, port in zip(hosts, ports, strict=True)
        )
        self.wait_s_max = SEVERAL_WAIT_S_MAX if self.is_several else ALONE_WAIT_S_MAX
        self._lock_s_max = SEVERAL_LOCK_S_MAX if self.is_several else ALONE_LOCK_S_MAX
        self._last = 0

    def in_turn(self) -> list[int]:
        """The numbers of the servers, the one that answered last first."""
        count = len(self.servers)
        return [(self._last + step) % count for step in range(count)]

    def connect(
        self, number: int, *, is_reader: bool = False, is_any: bool = False
    ) -> psycopg.Connection[Any]:
        """A connection to the server of that number; ``is_any`` also to a standby.

        Raises ``psycopg.Error``.
        """
        other: dict[str, Any] = {"target_session_attrs": "any"} if is_any else {}
        connection = psycopg.connect(self.servers[number], autocommit=True, **other)
        connection.execute(f"SET lock_timeout = '{self._lock_s_max}s'".encode())
        connection.execute("SET default_transaction_isolation = 'read committed'")
        if is_reader:
            connection.execute("SET default_transaction_read_only = on")
        return connection

    def remember(self, number: int) -> None:
        """This server answered: ask it first from now on."""
        self._last = number
