"""People for tests: invented names, numbers computed from the standard's own rule."""

from __future__ import annotations

from datetime import date

from puhui.kernel import Actor, Node
from puhui.party.nouns import (
    BeneficialOwner,
    OwnerGrounds,
    RegisterFirm,
    RegisterPerson,
    RegisterUser,
)

STAFF = Actor("desk", frozenset({"operator", "loan_officer", "administrator", "system"}))
VISITOR = Actor("visitor", frozenset({"visitor"}))


def id_number(order: int, *, region: str = "320102", born: date = date(1988, 2, 29)) -> str:
    """A resident identity number that checks, for the ``order``-th person of a day."""
    body = f"{region}{born:%Y%m%d}{order:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    rest = sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True)) % 11
    return body + "10X98765432"[rest]


def person(order: int = 1, **changes: str) -> RegisterPerson:
    """The ``order``-th invented person."""
    given = {
        "name": f"赵测试{order}",
        "id_number": id_number(order),
        "phone": f"1380000{order:04d}",
        "address": f"江苏省南京市玄武区虚构路{order}号",
        "bank_card": "6222020000000000000",
    }
    return RegisterPerson(**{**given, **changes})


def register_person(node: Node, order: int = 1, **changes: str) -> str:
    """Register the ``order``-th person and give the party's id."""
    made = node.act(
        "party.register_person", person(order, **changes), key=f"person {order}", actor=STAFF
    )
    return str(made.party_id)


def register_firm(node: Node, person_id: str, uscc: str = "12100000400002259P") -> str:
    """Register a firm that one person controls."""
    firm = RegisterFirm(
        name="虚构大学",
        uscc=uscc,
        legal_representative=person_id,
        beneficial_owners=(BeneficialOwner(person_id, OwnerGrounds.CONTROL),),
    )
    return str(node.act("party.register_firm", firm, key=f"firm {uscc}", actor=STAFF).party_id)


def register_user(node: Node, login: str, party_id: str | None = None) -> str:
    """Register a login with the password "correct horse {login}"."""
    given = RegisterUser(login, password_of(login), party_id)
    return str(node.act("party.register_user", given, key=f"user {login}", actor=STAFF).user_id)


def password_of(login: str) -> str:
    """The password that ``register_user`` chose."""
    return f"correct horse {login}"
