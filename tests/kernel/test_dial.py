"""Addresses of one PostgreSQL server, or of a primary and its standbys."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from puhui.kernel import Refused
from puhui.kernel.store.dial import ALONE_WAIT_S_MAX, SEVERAL_WAIT_S_MAX, Address


@pytest.mark.parametrize(
    "url, servers",
    [
        ("postgresql://a@one/bank", [("one", "5432")]),
        ("postgresql://a@one:1,two:2/bank", [("one", "1"), ("two", "2")]),
        ("postgresql://a@one,two/bank", [("one", "5432"), ("two", "5432")]),
        ("postgresql://a@/bank?host=/x,/y&port=7", [("/x", "7"), ("/y", "7")]),
        ("postgresql://a@/bank?host=/x,/y&port=7,8", [("/x", "7"), ("/y", "8")]),
    ],
)
def test_each_server_is_named_by_itself(url: str, servers: list[tuple[str, str]]) -> None:
    address = Address(url)
    parts = [conninfo_to_dict(one) for one in address.servers]
    assert [(one["host"], str(one.get("port") or "5432")) for one in parts] == servers
    assert {one["dbname"] for one in parts} == {"bank"}
    is_several = len(servers) > 1
    assert address.is_several == is_several
    assert address.wait_s_max == (SEVERAL_WAIT_S_MAX if is_several else ALONE_WAIT_S_MAX)
    asked = {one.get("target_session_attrs") for one in parts}
    assert asked == {"read-write" if is_several else None}


def test_the_server_that_answered_last_is_asked_first() -> None:
    address = Address("postgresql://one,two,three/bank")
    assert address.in_turn() == [0, 1, 2]
    address.remember(1)
    assert address.in_turn() == [1, 2, 0]


@pytest.mark.parametrize(
    "url",
    ["postgresql://one:1,two:2,three/bank?port=1,2", "postgresql://one/bank?nonsense=1"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"^kernel\.bad_store_url"):
        Address(url)
