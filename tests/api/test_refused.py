"""The API refuses: wrong roles, other customers, keys without scope, bad requests, too many calls.

Goal: each operation as each role that may not, and as another customer; nothing changes then.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from puhui.api import caller, describe, operation_names
from puhui.api.app import _queued
from puhui.api.caller import Caller, Reception
from puhui.api.operation import Operation, write_operations
from puhui.api.problem import PROBLEM_TYPE, Problem, status_of
from puhui.api.rate import Rates
from puhui.api.read import read_operations
from puhui.api.schema import examples, openapi_of
from puhui.channel import queues
from puhui.kernel.clock import FixedClock
from puhui.kernel.dump import digest_store
from puhui.kernel.forward import Answer, State
from puhui.node import load_rooms
from tests.api.things import own_things
from tests.api.town import STAFF, Town
from tests.party.logging_in import Entrance

load_rooms()
OPERATIONS = write_operations() + read_operations()
NAMES = [one.name for one in OPERATIONS]
ROLES = (*STAFF, "ann", "visitor")
ROLE_OF = {"ann": "customer"}


def call(town: Town, who: str, operation: Operation, given: dict[str, Any]) -> Any:
    """Call an operation with what it is given."""
    path = operation.path.format_map(given)
    if operation.method == "POST":
        return town.post(who, path, given)
    query = {name: value for name, value in given.items() if f"{{{name}}}" not in operation.path}
    return town.get(who, path, **query)


def refusal(answer: Any, status: int, code: str) -> None:
    """A problem with this status and code, in both languages."""
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == PROBLEM_TYPE
    assert told["status"] == status
    assert told["zh"]
    assert told["en"]


def test_each_operation_as_each_wrong_role(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds none of the roles is refused before the body is even looked at."""
    monkeypatch.setattr(caller, "STRANGER_PER_MINUTE", len(OPERATIONS))
    before = digest_store(town.node.store)
    for operation in OPERATIONS:
        given = examples()[operation.name]
        refusal(call(town, "", operation, given), 401, "api.not_logged_in")
        wrong = [one for one in ROLES if ROLE_OF.get(one, one) not in operation.roles]
        assert wrong, operation.name
        for who in wrong:
            refusal(call(town, who, operation, given), 403, "kernel.role_missing")
    assert digest_store(town.node.store) == before


def test_each_operation_as_another_customer(town: Town) -> None:
    """Another's thing answers as one that is not there, and stays as it is; the own one works."""
    things = own_things(town)
    known = {one.name: one for one in OPERATIONS if "customer" in one.roles}
    assert set(things) == set(known)
    lists = ("lending.list_applications", "lending.list_loans")
    before = digest_store(town.node.store)
    for name, (_, given) in things.items():
        answer = call(town, "bob", known[name], given)
        if name in lists:
            assert answer.json()["items"] == []
        elif name in ("exchange.read_prices", "offline.sync_vouchers"):  # alike for everybody
            assert answer.status_code == 200
        else:
            refusal(answer, 404, "api.not_found")
    after = digest_store(town.node.store)
    changed = {table for table in before if before[table] != after[table]}
    assert changed <= {"journal"}, "refusals are journalled, and nothing else happened"
    for name, (owner, given) in things.items():
        answer = call(town, owner, known[name], given)
        assert answer.status_code == 200, (name, answer.text)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description of all operations, made once: it takes as long as many tests."""
    return openapi_of(OPERATIONS)


@pytest.mark.parametrize("name", NAMES)
def test_each_operation_is_described(described: dict[str, Any], name: str) -> None:
    """An example that is right, words for every code, and a schema of the answer."""
    (operation,) = (one for one in OPERATIONS if one.name == name)
    operation.given.model_validate(examples()[name])
    found = described["paths"][operation.path][operation.method.lower()]
    told = found["x-refusal-codes"]
    assert set(told) == set(operation.codes)
    for code in told:
        status = str(status_of(code))
        shown = found["responses"][status]["content"][PROBLEM_TYPE]["examples"]
        assert code in shown or "api.not_found" in shown
    assert found["responses"]["200"]["content"]["application/json"]["schema"]


def test_lists_name_every_operation() -> None:
    assert set(examples()) == set(NAMES) == set(operation_names())
    assert {one.path for one in OPERATIONS} == {path for _, _, path, _, _ in describe()}


def test_only_what_may_be_queued_is_described_so(described: dict[str, Any]) -> None:
    """Status 202 stands at payments alone, with every field that is then answered."""
    told = described
    queued = {
        one["operationId"]: one["responses"]["202"]
        for path in told["paths"].values()
        for one in path.values()
        if "202" in one["responses"]
    }
    assert set(queued) == {one.name for one in OPERATIONS} & set(queues.QUEUED_USE_CASES)
    assert "payment.pay" in queued
    assert "api.queued" in queued["payment.pay"]["description"]
    accepted = Answer(State.QUEUED, "k", accepted_us=1)
    body = json.loads(bytes(_queued(accepted).body))
    assert set(body) == set(told["components"]["schemas"]["Queued"]["required"])


def test_requests_that_are_none(town: Town) -> None:
    """Bad JSON, unknown fields, wrong types, no key, a used key, no JSON at all, too much of it."""
    town.machine("machine", "operator", "lending.decide", "lending.list_loans")
    path = "/api/lending/decide"
    headers = {**town.headers("machine"), "content-type": "application/json"}
    keyed = {**headers, "idempotency-key": "a key"}

    def post(content: bytes, headers: dict[str, str]) -> Any:
        return town.client.post(path, content=content, headers=headers)

    refusal(post(b"{", keyed), 400, "api.bad_json")
    refusal(post(b"[]", keyed), 400, "kernel.bad_input")
    refusal(post(b'{"application_id": 7}', keyed), 400, "kernel.bad_input")
    refusal(post(b'{"application_id": "x", "scored_digest": ""}', keyed), 400, "kernel.bad_input")
    refusal(post(b'{"application_id": "x\\u0000"}', keyed), 400, "kernel.bad_input")
    refusal(post(b"{}", headers), 400, "api.no_key")
    refusal(post(b"{}", {**keyed, "idempotency-key": "x" * 129}), 400, "api.no_key")
    refusal(post(b"{}", {**keyed, "content-type": "text/plain"}), 415, "api.not_json")
    refusal(post(b" " * 300_000, keyed), 413, "api.too_large")
    first, second = town.application("ann"), town.application("ann")
    assert town.post("machine", path, {"application_id": first}, "same").status_code == 200
    refusal(
        town.post("machine", path, {"application_id": second}, "same"), 409, "kernel.key_reused"
    )
    town.machine("other", "operator", "lending.decide")
    assert town.post("other", path, {"application_id": second}, "same").status_code == 200
    refusal(town.post("machine", path, {"application_id": first}), 422, "lending.not_open")
    loans = "/api/lending/loans"
    for query in ({"count": "0"}, {"count": "x"}, {"color": "red"}, {"count": "10000"}):
        refusal(town.get("machine", loans, **query), 400, "api.bad_request")
    refusal(town.get("machine", f"{loans}?count=1&count=2"), 400, "api.bad_request")
    refusal(town.get("machine", "/api/lending/none"), 404, "api.not_found")
    refusal(town.get("machine", path), 405, "api.no_such_method")
    assert town.get("", "/api/refusals/party.unknown").json()["zh"]
    assert len(town.get("", "/api/key").json()["public_key"]) == 44


def test_machines_keep_to_their_keys(town: Town) -> None:
    """A scope that is missing, a key that was revoked, a session that was closed."""
    key_id = town.machine("machine", "operator", "lending.list_loans")
    assert town.get("machine", "/api/lending/loans").status_code == 200
    refusal(town.get("machine", "/api/lending/portfolio"), 403, "api.scope_missing")
    town.bank.act("party.revoke_api_key", "revoke", key_id=key_id)
    refusal(town.get("machine", "/api/lending/loans"), 401, "api.not_logged_in")
    town.tokens["guess"] = "puhui_guess"
    refusal(town.get("guess", "/api/lending/loans"), 401, "api.not_logged_in")
    answer = town.client.get("/api/lending/loans", headers={"authorization": "Basic eDp5"})
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_too_many_calls_wait(town: Town) -> None:
    """Past its rate a key is told how long to wait, and others go on."""
    town.machine("slow", "operator", "lending.list_loans", rate=3)
    answers = [town.get("slow", "/api/lending/loans") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refusal(answers[-1], 429, "api.too_often")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert town.get("ann", "/api/lending/loans").status_code == 200
    strangers = [town.get("", "/api/lending/loans").status_code for _ in range(61)]
    assert strangers == [401] * 60 + [429]


def test_refusals_that_time_brings_are_described(
    town: Town, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A contract of yesterday, a loan that ended, an offer that ended."""
    signed, paid, offered = town.fresh(), town.fresh(), town.fresh()
    contract_id, loan_id = town.signed(signed), town.loan(paid)
    application_id = town.decided(offered)
    pay_off = town.get(paid, f"/api/lending/loans/{loan_id}/pay-off").json()["total_minor"]
    repay = {"contract_id": loan_id, "amount_minor": pay_off}
    assert town.post(paid, "/api/lending/repay", repay).status_code == 200
    refusal(town.post(paid, "/api/lending/repay", repay), 422, "lending.not_running")
    clock.set_us(clock.now_us() + 25 * 3_600_000_000)
    for name in (signed, offered):
        town.tokens[name] += " later"
        Entrance(town.node).by_code(town.tokens[name], town.phones[name])
    stale = {"contract_id": contract_id}
    refusal(town.post(signed, "/api/lending/disburse", stale), 422, "lending.contract_stale")
    path = f"/api/lending/applications/{application_id}/contract"
    assert town.get(offered, path).status_code == 200
    clock.set_us(clock.now_us() + 60 * 24 * 3_600_000_000)
    town.tokens[offered] += " again"
    Entrance(town.node).by_code(town.tokens[offered], town.phones[offered])
    refusal(town.get(offered, path), 422, "lending.offer_expired")
    assert [one for one in caplog.records if "not described" in one.getMessage()] == []


def test_buckets_fill_again() -> None:
    """Sixty a minute is one a second; the longest unused bucket is forgotten first."""
    now = 0.0
    rates = Rates(lambda: now)
    assert [rates.take("a", 60) for _ in range(61)] == [0] * 60 + [1]
    now += 1.0
    assert [rates.take("a", 60) for _ in range(2)] == [0, 1]
    now += 3600
    assert [rates.take("a", 60) for _ in range(61)] == [0] * 60 + [1]


def test_callers_see_what_is_theirs() -> None:
    """A customer without a person sees nothing; staff see everybody."""
    from puhui.kernel import Actor

    nobody = Caller(Actor("user-1", frozenset({"visitor"})), None, None)
    with pytest.raises(Problem):
        nobody.check_sees("party-1")
    Caller(Actor("user-2", frozenset({"auditor"})), None, None).check_sees("party-1")
    assert Reception.caller_of.__doc__
