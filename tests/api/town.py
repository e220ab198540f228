"""A small town for the API: a bank, two customers, staff in every role, and a machine."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from puhui.api import build_api
from puhui.api.caller import KEY_MARK
from puhui.channel import Gate
from puhui.channel.engines.shown import ShownGateway
from puhui.kernel import Node
from puhui.kernel.act import SYSTEM
from puhui.party.window import digest_of_token, staff_roles
from puhui.webhook import Loopback
from tests.lending.bank import FIELDS, GOOD_ROW, PRODUCT, Bank, resident_id
from tests.party.logging_in import Entrance

STAFF = tuple(sorted(staff_roles()))


@dataclass
class Town:
    """The API of a bank, and the tokens of everybody in it."""

    bank: Bank
    client: TestClient
    tokens: dict[str, str] = field(default_factory=dict)
    parties: dict[str, str] = field(default_factory=dict)
    phones: dict[str, str] = field(default_factory=dict)
    scheme: Any = None
    traveller: str = ""
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def node(self) -> Node:
        """The node behind the API."""
        return self.bank.node

    def key(self) -> str:
        """A key that nobody used before."""
        return f"k{next(self.numbers)}"

    def get(self, who: str, path: str, **query: Any) -> Any:
        """GET as somebody."""
        return self.client.get(path, params=query or None, headers=self.headers(who))

    def post(self, who: str, path: str, given: Any, key: str = "") -> Any:
        """POST as somebody."""
        headers = {**self.headers(who), "idempotency-key": key or self.key()}
        return self.client.post(path, json=given, headers=headers)

    def headers(self, who: str) -> dict[str, str]:
        """The login of somebody; "" is nobody."""
        return {"authorization": f"Bearer {self.tokens[who]}"} if who else {}

    def customer(self, name: str, number: int) -> None:
        """A person with a session, verified, with a consent."""
        phone = f"1390000{number:04d}"
        door = Entrance(self.node)
        token = f"token of {name}"
        self.tokens[name] = token
        session = door.by_code(token, phone)
        made = self.node.act(
            "party.become_customer",
            {"name": f"测试{number}", "id_number": resident_id(5000 + number), "phone": phone},
            key=f"person {name}",
            actor=session.actor,
        )
        self.parties[name] = made.party_id
        self.phones[name] = phone
        self.bank.act(
            "party.verify_identity",
            f"verified {name}",
            party_id=made.party_id,
            method="synthetic",
            is_passed=True,
            evidence_digest=hashlib.sha256(b"seen").hexdigest(),
        )
        self.bank.consent(made.party_id)

    def fresh(self) -> str:
        """A new customer; one has one application at a time."""
        number = next(self.numbers) + 100
        self.customer(f"customer {number}", number)
        return f"customer {number}"

    def staff(self, role: str) -> None:
        """Somebody of the staff, past both factors."""
        door = Entrance(self.node)
        made = self.node.act(
            "party.register_user",
            {"login": f"the.{role}", "password": f"correct horse the.{role}"},
            key=f"user {role}",
            actor=SYSTEM,
        )
        given = {"user_id": made.user_id, "role": role}
        self.node.act("party.grant_role", given, key=f"grant {role}", actor=SYSTEM)
        half = door.by_password(f"the.{role}", f"half {role}")
        secret = door.enrol(half)
        self.tokens[role] = f"token of {role}"
        assert door.confirm(half, door.digits(secret), self.tokens[role]).session_id

    def machine(self, name: str, role: str, *scopes: str, rate: int = 6000) -> str:
        """A key for a machine; its id."""
        self.tokens[name] = f"{KEY_MARK}{name}"
        made = self.node.act(
            "party.create_api_key",
            {
                "name": name,
                "role": role,
                "scopes": scopes,
                "rate_per_minute": rate,
                "valid_until": "2026-12-31",
                "token_digest": digest_of_token(self.tokens[name]),
            },
            key=f"key {name}",
            actor=SYSTEM,
        )
        key_id: str = made.key_id
        return key_id

    def application(self, who: str, **more: Any) -> str:
        """What a new application of a customer is given."""
        return self.bank.apply(self.parties[who], self.key(), **more)

    def decided(self, who: str) -> str:
        """An application with an offer."""
        application_id = self.application(who)
        assert self.bank.decide(application_id).outcome == "approved"
        return application_id

    def signed(self, who: str) -> str:
        """A signed contract."""
        contract_id: str = self.bank.accept(self.decided(who)).contract_id
        return contract_id

    def loan(self, who: str) -> str:
        """A loan that was paid out."""
        contract_id = self.signed(who)
        self.bank.act("lending.disburse", f"pay {contract_id}", contract_id=contract_id)
        return contract_id

    def apply_given(self, who: str) -> dict[str, Any]:
        """What an application of a customer is made from."""
        return {
            "party_id": self.parties[who],
            "product": PRODUCT,
            "wanted_minor": 3_000_000,
            "mapping": self.bank.mapping_digest,
            "row": GOOD_ROW,
            "fields": list(FIELDS),
            "channel": "partner",
            "source_id": self.key(),
        }


def open_town(bank: Bank, *, staff: tuple[str, ...] = STAFF) -> Town:
    """The town over a bank, with two customers, Ann and Bob."""
    node = bank.node
    node.ports[Loopback] = Loopback()
    client = TestClient(build_api(node, Gate(node, ShownGateway())), raise_server_exceptions=False)
    town = Town(bank, client)
    for number, name in enumerate(("ann", "bob"), start=1):
        town.customer(name, number)
    for role in staff:
        town.staff(role)
    town.tokens["visitor"] = "token of visitor"
    Entrance(node).by_code("token of visitor", "13900009999")
    return town
