"""Webhooks: told in order, signed, again until taken, from anywhere in the journal.

Goal: a partner on loopback misses no event of a loan and can check who told it.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from puhui.kernel import Actor, Node, Refused
from puhui.kernel.crypto import verify_signature
from puhui.kernel.replay import replay
from puhui.webhook import (
    EVENT_NAMES,
    Endpoint,
    Loopback,
    deliver_webhooks,
    list_endpoints,
    run_courier,
)
from puhui.webhook.desk.courier import Pauses
from puhui.webhook.engines.address import check_url, open_address
from puhui.webhook.engines.post import post
from tests.channel.sms import Taken, gateway
from tests.lending.bank import Bank, open_bank

LOAN = ["lending.applied", "lending.decided", "lending.accepted", "lending.disbursed"]


@pytest.fixture
def bank(node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """A bank under development, which may tell endpoints on this machine."""
    node.ports[Loopback] = Loopback()
    return open_bank(node, operator, tmp_path)


def register(bank: Bank, url: str, *events: str) -> Endpoint:
    """An endpoint of the operator."""
    made = bank.act("webhook.register", f"hook {url}", url=url, events=events or EVENT_NAMES)
    with bank.node.read() as tx:
        (found,) = (one for one in list_endpoints(tx) if one.id == made.endpoint_id)
    return found


def told(taken: Taken) -> list[str]:
    """The names of the events that an endpoint was told."""
    return [message["type"] for message in taken.messages]


def again(node: Node, pauses: Pauses) -> int:
    """Deliver with every pause over."""
    for pause in pauses.values():
        pause.until_s = 0.0
    return deliver_webhooks(node, pauses)


def test_a_loan_is_told_in_order_and_signed(bank: Bank) -> None:
    """From registration on, each event once; the signature is the node's over id, time, body."""
    bank.lend(bank.person(), "before")
    with gateway() as taken:
        register(bank, taken.url)
        contract_id = bank.lend(bank.person(), "after")
        pauses: Pauses = {}
        assert deliver_webhooks(bank.node, pauses) == 4
        assert deliver_webhooks(bank.node, pauses) == 0
    assert told(taken) == LOAN
    assert taken.messages[-1]["data"]["contract"] == contract_id
    for headers, body in zip(taken.headers, taken.bodies, strict=True):
        kind, _, signature = headers["webhook-signature"].partition(",")
        assert kind == "v1a"
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        assert verify_signature(bank.node.keys.public_key, signed, signature)
        assert not verify_signature(bank.node.keys.public_key, signed + b" ", signature)
        assert json.loads(body)["id"] == headers["webhook-id"]
    assert len({headers["webhook-id"] for headers in taken.headers}) == 4
    assert base64.b64decode(bank.node.keys.public_key)


def test_what_is_not_taken_is_told_again(bank: Bank) -> None:
    """The same event under the same id after a pause, before any later one."""
    with gateway(500, 302, 200) as taken:
        register(bank, taken.url, "lending.applied", "lending.disbursed")
        bank.lend(bank.person(), "one")
        pauses: Pauses = {}
        assert deliver_webhooks(bank.node, pauses) == 0
        assert deliver_webhooks(bank.node, pauses) == 0, "the pause holds"
        assert len(taken.messages) == 1
        assert again(bank.node, pauses) == 0
        assert again(bank.node, pauses) == 2
    assert told(taken) == ["lending.applied"] * 3 + ["lending.disbursed"]
    assert len({headers["webhook-id"] for headers in taken.headers[:3]}) == 1
    with gateway(200) as gone:
        url = gone.url
    assert post(url, {}, b"{}", may_be_loopback=True) == 0
    assert post("https://10.0.0.1/", {}, b"{}", may_be_loopback=False) == 0


def test_an_endpoint_can_be_told_again(bank: Bank) -> None:
    """From the first position on, everything; a deleted one hears nothing; others' are none."""
    bank.lend(bank.person(), "before")
    with gateway() as taken:
        endpoint = register(bank, taken.url)
        pauses: Pauses = {}
        assert deliver_webhooks(bank.node, pauses) == 0
        told_again = bank.act(
            "webhook.tell_again", "again", endpoint_id=endpoint.id, after_position=0
        )
        assert told_again.generation == 2
        assert deliver_webhooks(bank.node, pauses) == 4
        other = bank.by("other", "operator")
        for name in ("webhook.delete", "webhook.tell_again"):
            more = {"after_position": 0} if name.endswith("again") else {}
            with pytest.raises(Refused, match=r"^webhook\.unknown"):
                other.act(name, f"other {name}", endpoint_id=endpoint.id, **more)
        with pytest.raises(Refused, match=r"^webhook\.bad_position"):
            bank.act("webhook.tell_again", "bad", endpoint_id=endpoint.id, after_position=-1)
        bank.act("webhook.delete", "end", endpoint_id=endpoint.id)
        bank.lend(bank.person(), "after")
        assert deliver_webhooks(bank.node, pauses) == 0
        assert pauses == {}
    with bank.node.read() as tx:
        assert list_endpoints(tx) == ()
    assert told(taken) == LOAN


def test_a_courier_tells_until_it_is_stopped(bank: Bank) -> None:
    """A thread of its own; two endpoints, of which one never answers, harm each other not."""
    with gateway(500) as bad, gateway() as good:
        register(bank, bad.url)
        register(bank, good.url)
        stop = threading.Event()
        courier = threading.Thread(target=run_courier, args=(bank.node, stop), daemon=True)
        courier.start()
        bank.lend(bank.person(), "one")
        for _ in range(200):
            if len(good.messages) == 4:
                break
            stop.wait(0.05)
        stop.set()
        courier.join(10)
        assert not courier.is_alive()
    assert told(good) == LOAN
    assert set(told(bad)) <= {"lending.applied"}


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example.com/hook",
        "ftp://partner.example.com/hook",
        "https://10.0.0.1/hook",
        "https://192.168.1.1/hook",
        "https://169.254.169.254/latest",
        "https://[fd00::1]/hook",
        "https://user:secret@partner.example.com/hook",
        "https://partner.example.com/hook#part",
        "https://partner.example.com:0/hook",
        "https://partner.example.com:99999/hook",
        "https://partner.example.com/a b",
        "https:///hook",
        "nonsense",
        "https://partner.example.com/" + "x" * 500,
        "http://127.0.0.1:9000/hook",
        "https://localhost/hook",
    ],
)
def test_addresses_that_are_not_told(url: str) -> None:
    """Only https in the open network; this machine only under development."""
    with pytest.raises(Refused, match=r"^webhook\.bad_url"):
        check_url(url, may_be_loopback=False)


def test_addresses_that_are_told() -> None:
    """An ordinary one anywhere; loopback only where the node is under development."""
    assert check_url("https://partner.example.com/hook?x=1", may_be_loopback=False).port is None
    assert check_url("http://127.0.0.1:9000/hook", may_be_loopback=True).port == 9000
    assert open_address("127.0.0.1", 1, may_be_loopback=True) == "127.0.0.1"
    with pytest.raises(OSError, match="open network"):
        open_address("127.0.0.1", 1, may_be_loopback=False)


@pytest.mark.parametrize("events", [(), ("lending.nothing",), ("lending.repaid",) * 2])
def test_events_are_of_the_list(sqlite_node: Node, operator: Actor, events: Any) -> None:
    """At least one, known, and each once."""
    given = {"url": "https://partner.example.com/", "events": events}
    with pytest.raises(Refused, match=r"^webhook\.bad_events"):
        sqlite_node.act("webhook.register", given, key="k", actor=operator)


def test_endpoints_are_few_and_replay(
    sqlite_node: Node, operator: Actor, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    """Twenty for one caller; without a port of development none on this machine; replay equal."""
    for number in range(21):
        given = {"url": f"https://partner.example.com/{number}", "events": ["lending.repaid"]}
        if number == 20:
            with pytest.raises(Refused, match=r"^webhook\.too_many"):
                sqlite_node.act("webhook.register", given, key="last", actor=operator)
        else:
            sqlite_node.act("webhook.register", given, key=f"k{number}", actor=operator)
    given = {"url": "http://127.0.0.1:1/", "events": ["lending.repaid"]}
    with pytest.raises(Refused, match=r"^webhook\.bad_url"):
        sqlite_node.act("webhook.register", given, key="near", actor=operator)
    second = open_at(f"sqlite:///{tmp_path / 'second.sqlite'}", writers=1)
    assert replay(sqlite_node, second).differences == ()
