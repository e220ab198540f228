"""People who log in for tests: codes, tokens and sessions, as a channel would make them."""

from __future__ import annotations

import base64
import itertools
import re

import pytest

from puhui.kernel import Actor, Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.party.nouns import Authenticate, ChangeRole, LoginAnswer
from puhui.party.nouns.session import (
    CheckCode,
    CodeAnswer,
    ConfirmFactor,
    EnrolFactor,
    FactorAnswer,
    OpenSession,
    SendCode,
)
from puhui.party.rules.session import totp
from puhui.party.window import Session, digest_of_token, pending_factor, session_of
from tests.party.people import STAFF, VISITOR, password_of, register_user

PHONE = "13800000001"
CODE = "042317"
ADDRESS = "192.0.2.7"
STEP_US = 30_000_000
NUMBERS = itertools.count(1)


class Entrance:
    """Logs people in, each step with a key of its own."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def key(self, what: str) -> str:
        """A key nobody used before."""
        return f"{what} {next(NUMBERS)}"

    def send(self, phone: str = PHONE, code: str = CODE, address: str = ADDRESS) -> CodeAnswer:
        """Ask for a code."""
        given = SendCode(phone, code, address)
        answer = self.node.act("party.send_code", given, key=self.key("send"), actor=VISITOR)
        assert isinstance(answer, CodeAnswer)
        return answer

    def check(
        self, code: str = CODE, phone: str = PHONE, address: str = ADDRESS, key: str = ""
    ) -> LoginAnswer:
        """Type a code."""
        key = key or self.key("check")
        answer = self.node.act(
            "party.check_code", CheckCode(phone, code, address), key=key, actor=VISITOR
        )
        assert isinstance(answer, LoginAnswer)
        return answer

    def open(self, proof_key: str, token: str) -> Session | None:
        """Open a session on a proof, and find it by its token."""
        given = OpenSession(proof_key, digest_of_token(token))
        self.node.act("party.open_session", given, key=f"open {token}", actor=SYSTEM)
        return self.find(token)

    def find(self, token: str) -> Session | None:
        """The session behind a token."""
        with self.node.read() as tx:
            return session_of(self.node, tx, token)

    def by_code(self, token: str, phone: str = PHONE) -> Session:
        """The whole way with a phone."""
        self.send(phone)
        key = self.key("check")
        assert self.check(phone=phone, key=key).user_id
        session = self.open(key, token)
        assert session is not None
        return session

    def by_password(self, login: str, token: str) -> Session:
        """The first half of the way of staff."""
        key = self.key("try")
        given = Authenticate(login, password_of(login), ADDRESS)
        answer = self.node.act("party.authenticate", given, key=key, actor=VISITOR)
        assert answer.user_id
        session = self.open(key, token)
        assert session is not None
        return session

    def enrol(self, session: Session) -> bytes:
        """Begin a second factor; its secret."""
        given = EnrolFactor(session.id)
        self.node.act("party.enrol_factor", given, key=self.key("enrol"), actor=session.actor)
        with self.node.read() as tx:
            is_confirmed, text = pending_factor(self.node, tx, session.id)
        assert not is_confirmed
        assert text is not None
        return base64.b32decode(text)

    def digits(self, secret: bytes, steps: int = 0) -> str:
        """What an authenticator shows now."""
        return totp(secret, self.node.clock.now_us() // STEP_US + steps, 6)

    def confirm(
        self, session: Session, digits: str, token: str, actor: Actor | None = None
    ) -> FactorAnswer:
        """Give the second factor."""
        given = ConfirmFactor(session.id, digits, digest_of_token(token))
        answer = self.node.act(
            "party.confirm_factor", given, key=self.key("confirm"), actor=actor or session.actor
        )
        assert isinstance(answer, FactorAnswer)
        return answer


def refused(code: str) -> pytest.RaisesExc[Refused]:
    """Expects a refusal with this code."""
    return pytest.raises(Refused, match=f"^{re.escape(code)}:")


def officer(node: Node, role: str = "loan_officer") -> str:
    """A member of staff."""
    user_id = register_user(node, "officer")
    node.act("party.grant_role", ChangeRole(user_id, role), key=f"grant {role}", actor=STAFF)
    return user_id
