"""Who is believed without a store: for so long, until rights are taken away, and not if denied."""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.channel import queues
from puhui.channel.believed import BELIEVED_MAX, BELIEVED_S, Believed
from puhui.kernel import Node, Refused
from puhui.kernel.act import SYSTEM
from tests.party.logging_in import Entrance


class Watch:
    """Seconds that a test sets."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_for_a_quarter_of_an_hour_and_no_longer(sqlite_node: Node, tmp_path: Path) -> None:
    watch = Watch()
    believed = Believed(sqlite_node, tmp_path, watch)
    assert believed.find("a") is None
    believed.keep("a", "who", "key-1")
    watch.now += BELIEVED_S
    assert believed.find("a") == "who"
    watch.now += 1
    assert believed.find("a") is None
    believed.keep("a", "who", "key-1")
    assert believed.find("a") == "who"
    believed.forget("a")
    assert believed.find("a") is None


def test_who_is_denied_is_not_believed(sqlite_node: Node, tmp_path: Path) -> None:
    believed = Believed(sqlite_node, tmp_path / "queues")
    believed.keep("a", "who", "key-1")
    believed.keep("b", "other", "session-2", "user-2")
    queues.deny(tmp_path / "queues", "key-1")
    assert (believed.find("a"), believed.find("b")) == (None, "other")
    queues.deny(tmp_path / "queues", "user-2")
    assert believed.find("b") is None
    believed.keep("a", "who", "key-1")
    assert believed.find("a") is None, "also after it was let in again"


def test_what_takes_rights_away_is_seen(sqlite_node: Node, tmp_path: Path) -> None:
    """From whom rights were taken is forgotten, and nobody else."""
    node = sqlite_node
    believed = Believed(node, tmp_path)
    believed.look()
    door = Entrance(node)
    one, two = door.by_code("token one", "13900000001"), door.by_code("token two", "13900000002")
    for session in (one, two):
        believed.keep(session.id, session.user_id, session.id, session.user_id)
    believed.look()
    assert believed.find(one.id) == one.user_id, "logging in takes nothing away"
    node.act("party.close_session", {"session_id": one.id}, key="out", actor=SYSTEM)
    believed.look()
    assert (believed.find(one.id), believed.find(two.id)) == (None, two.user_id)
    believed.keep("key", "machine", "key-1")
    told = {"user_id": two.user_id}
    node.act("party.close_sessions", told, key="all out", actor=SYSTEM)
    believed.look()
    assert (believed.find("key"), believed.find(two.id)) == ("machine", None)
    with pytest.raises(Refused):
        node.act("party.revoke_api_key", {"key_id": "key-1"}, key="none", actor=SYSTEM)
    believed.look()
    assert believed.find("key") == "machine", "what was refused took nothing away"


def test_too_much_to_look_at_forgets_everybody(
    sqlite_node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("puhui.channel.believed.LOOKED_AT_MAX", 0)
    believed = Believed(sqlite_node, tmp_path)
    believed.look()
    session = Entrance(sqlite_node).by_code("token", "13900000001")
    believed.keep("key", "machine", "key-1")
    told = {"session_id": session.id}
    sqlite_node.act("party.close_session", told, key="out", actor=SYSTEM)
    believed.look()
    assert believed.find("key") is None


def test_so_many_and_no_more(sqlite_node: Node, tmp_path: Path) -> None:
    believed = Believed(sqlite_node, tmp_path)
    for number in range(BELIEVED_MAX + 1):
        believed.keep(str(number), number)
    assert believed.find("0") is None
    assert believed.find(str(BELIEVED_MAX)) == BELIEVED_MAX
