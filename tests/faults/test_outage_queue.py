"""A customer's view of an outage: a file and the API accept payments, and all are posted once.

Goal: while the server of the store is stopped, `puhui pay` and the API say "accepted, not yet
posted" where queues are on and refuse where they are off; afterwards nothing is lost or doubled.
Method: a real server stopped and started under a real `puhui serve`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import business_date
from puhui.node import open_node
from puhui.party.window import digest_of_token
from tests.cli.program import run_process
from tests.faults.server import OwnServer
from tests.offline.fair import OPENED_MINOR, STAFF, balance_of, people
from tests.serve.program import Served, served

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("outage_queue")]
TOKEN = "puhui_a token of a test"
STRANGER = "puhui_a token that nobody gave"


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that the test stops and starts."""
    own = OwnServer(Path(tempfile.mkdtemp(prefix="puhui-outage-")))
    own.execute("CREATE DATABASE bank")
    yield own
    own.remove()


def prepare(node: Node) -> tuple[str, str]:
    """Two wallets with money, and a machine that may pay; their parties."""
    one, two = people(node, "farm", "worker")
    node.act(
        "party.create_api_key",
        {
            "name": "till",
            "role": "operator",
            "scopes": ("payment.pay", "payment.top_up"),
            "rate_per_minute": 600,
            "valid_until": business_date(node.clock.now_us()) + timedelta(days=30),
            "token_digest": digest_of_token(TOKEN),
        },
        key="key",
        actor=STAFF.__class__("admin", frozenset({"administrator", "system"})),
    )
    return one.party_id, two.party_id


def pay(running: Served, key: str, pair: tuple[str, str], token: str = TOKEN, verb: str = "pay",
        amount_minor: int = 100) -> tuple[int, dict[str, object]]:  # fmt: skip
    """One payment through the API: status and answer."""
    given = {"payer_id": pair[0], "payee": pair[1], "amount_minor": amount_minor, "currency": "CNY"}
    if verb == "top_up":
        given = {"party_id": pair[0], "amount_minor": amount_minor, "currency": "CNY"}
    shown = {"authorization": f"Bearer {token}", "idempotency-key": key}
    status, _, content = running.ask("POST", f"/api/payment/{verb}", given, shown)
    return status, json.loads(content)


def until_posted(running: Served, key: str, pair: tuple[str, str]) -> dict[str, object]:
    """Ask with the same key until it is no longer queued."""
    for _ in range(600):
        status, told = pay(running, key, pair)
        if status == 200:
            return told
        assert status in (202, 503), (status, told)
        time.sleep(0.05)
    raise AssertionError("it was not posted")


def test_an_outage_is_bridged_and_everything_is_posted_once(
    server: OwnServer, tmp_path: Path
) -> None:
    url = server.url.replace("/postgres?", "/bank?")
    home = tmp_path / "home"
    node = open_node(home, store_url=url)
    pair = prepare(node)
    node.close()
    file = tmp_path / "wages.csv"
    rows = [f"p{n},{pair[0]},{pair[1]},2.00" for n in range(5)] + [f"x,{pair[0]},someone,1.00"]
    file.write_text("payment_id,payer,payee,amount\n" + "\n".join(rows) + "\n")
    settings = {"PUHUI_STORE": url, "PUHUI_QUEUE": "queues"}
    with served(home, **settings) as running:
        assert pay(running, "first", pair)[0] == 200
        server.crash()
        for key in ("a", "b", "b"):
            status, told = pay(running, key, pair)
            assert (status, told["state"], told["code"]) == (202, "queued", "api.queued"), told
        assert pay(running, "a", pair, amount_minor=7)[0] == 409, "another payment, same key"
        assert pay(running, "c", pair, token=STRANGER)[0] == 503, "nobody it knows"
        assert pay(running, "d", pair, verb="top_up")[0] == 503, "nothing that may wait"
        ended = run_process("pay", file, "--json", home=home, **settings)
        assert ended.code == 0, ended.said
        assert (ended.figures["queued"], ended.figures["refused_rows"]) == (5, 1), ended.said
        assert "accepted, not yet posted" in ended.said
        off = run_process("pay", file, home=home, PUHUI_STORE=url)
        assert off.code != 0, "without the setting the file is refused"
        server.start()
        posted = until_posted(running, "b", pair)
        assert until_posted(running, "b", pair) == posted
    again = run_process("pay", file, "--json", home=home, **settings)
    assert again.code == 0, again.said
    figures = again.figures
    assert (figures["repeated"], figures["posted"], figures["queued"]) == (5, 0, 0), again.said
    assert figures["trial_balance_minor"] == 0
    node = open_node(home, store_url=url)
    worker = node.act("payment.open_wallet", {"party_id": pair[1], "currency": "CNY"},
                      key="w", actor=STAFF)  # fmt: skip
    assert balance_of(node, int(worker.account_id, 16)) == OPENED_MINOR + 3 * 100 + 5 * 200
    node.close()


def test_without_the_setting_the_api_accepts_nothing(server: OwnServer, tmp_path: Path) -> None:
    url = server.url.replace("/postgres?", "/bank?")
    home = tmp_path / "home"
    node = open_node(home, store_url=url)
    pair = prepare(node)
    node.close()
    with served(home, PUHUI_STORE=url) as running:
        assert pay(running, "first", pair)[0] == 200
        server.crash()
        status, told = pay(running, "a", pair)
        assert (status, told["code"]) == (503, "kernel.store_unavailable")
        assert not (home / "queues").exists()
