"""The gate: how people get in, stay in and leave, over the acts of party, for every channel."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from puhui.channel.gateway import MessageGateway
from puhui.kernel import Actor, Node, Refused
from puhui.party.window import (
    Session,
    digest_of_token,
    pending_factor,
    session_of,
)

VISITOR = Actor("visitor", frozenset({"visitor"}))
TOKEN_BYTES = 32
KEEP_US = 300 * 1_000_000
"""A session's last use is stored this exactly: one small act in five minutes, not one a page."""

MESSAGE = (
    "【普惠】登录验证码 {code}，5 分钟内有效。请勿告诉任何人。"
    "Login code {code}, valid for 5 minutes. Tell nobody."
)
ISSUER = "普惠"


@dataclass(frozen=True, slots=True)
class Sent:
    """Whether a code is on its way; ``shown`` is the code where nothing leaves the machine."""

    code: str | None
    wait_until_us: int | None
    shown: str | None


@dataclass(frozen=True, slots=True)
class Login:
    """The session and its token, which is told once; or why not, and until when to wait."""

    session: Session | None
    token: str | None
    code: str | None
    wait_until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator program needs: as an address, as text, and as a picture (SVG)."""

    uri: str
    secret: str
    qr_svg: str


class Gate:
    """Every way in, over one node and one gateway; it keeps nothing itself."""

    def __init__(self, node: Node, gateway: MessageGateway) -> None:
        self.node = node
        self.gateway = gateway

    def ask(self, token: str | None) -> Session | None:
        """The open session of a request, None without one; notes now and then that it is used."""
        if not token or len(token) > 200:
            return None
        with self.node.read() as tx:
            session = session_of(self.node, tx, token)
        if session is not None and self.node.clock.now_us() - session.seen_us > KEEP_US:
            try:
                self._act(
                    "party.keep_session",
                    {"session_id": session.id},
                    key=f"keep:{session.id}:{session.seen_us}",
                    actor=_behind(session),
                )
            except Refused:
                return None
        return session

    def send_code(self, phone: str, *, address: str, key: str) -> Sent:
        """Send a login code to a phone, once for ``key``.

        Refused: ``party.bad_phone``. Fault: ``channel.message_lost``.
        """
        code = f"{secrets.randbelow(1_000_000):06d}"
        given = {"phone": phone, "code": code, "address": address}
        try:
            answer = self._act("party.send_code", given, key=f"code:{key}", actor=VISITOR)
        except Refused as refused:
            if refused.code == "kernel.key_reused":  # the second of two clicks: it is on its way
                return Sent(None, None, None)
            raise
        if answer.code is not None:
            return Sent(answer.code, answer.wait_until_us, None)
        self.gateway.send(phone, MESSAGE.format(code=code))
        return Sent(None, None, code if self.gateway.shows_code else None)

    def try_code(self, phone: str, digits: str, *, address: str, key: str) -> Login:
        """Log in by a code. Refused: ``party.bad_phone``, ``party.bad_code``."""
        given = {"phone": phone, "code": digits, "address": address}
        return self._enter("party.check_code", given, key=f"login:{key}")

    def try_password(self, login: str, password: str, *, address: str, key: str) -> Login:
        """Log in by a password; staff get a half session. Refused: ``party.bad_login``."""
        given = {"login": login, "password": password, "address": address}
        return self._enter("party.authenticate", given, key=f"login:{key}")

    def _enter(self, name: str, given: dict[str, str], *, key: str) -> Login:
        answer = self._act(name, given, key=key, actor=VISITOR)
        if answer.user_id is None:
            return Login(None, None, answer.code, answer.wait_until_us)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        digest = digest_of_token(token)
        self._act(
            "party.open_session",
            {"proof_key": key, "token_digest": digest},
            key=f"session:{digest}",
            actor=Actor(answer.user_id, frozenset({"system"})),
        )
        return self._told(token)

    def _told(self, token: str) -> Login:
        with self.node.read() as tx:
            session = session_of(self.node, tx, token)
        if session is None:
            return Login(None, None, "party.session_over")
        return Login(session, token, None)

    def enrol(self, session: Session, *, key: str) -> Enrolment | None:
        """Begin the second factor of a half session; None where one is confirmed already.

        Asked again in the same session, it is the same factor. Refused: ``party.session_over``,
        ``party.factor_not_due``.
        """
        with self.node.read() as tx:
            is_confirmed, secret = pending_factor(self.node, tx, session.id)
        if is_confirmed:
            return None
        if secret is None:
            given = {"session_id": session.id}
            self._act("party.enrol_factor", given, key=f"enrol:{key}", actor=session.actor)
            with self.node.read() as tx:
                is_confirmed, secret = pending_factor(self.node, tx, session.id)
        assert secret is not None, session.id
        name = quote(f"{ISSUER}:{session.user_id[-6:]}")
        uri = f"otpauth://totp/{name}?secret={secret}&issuer={quote(ISSUER)}&digits=6&period=30"
        return Enrolment(uri, secret, _drawn(uri))

    def confirm(self, session: Session, digits: str, *, key: str) -> Login:
        """Give the second factor: the session becomes a full one, with another token.

        Refused: ``party.session_over``, ``party.factor_not_due``, ``party.no_factor``.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        answer = self._act(
            "party.confirm_factor",
            {"session_id": session.id, "digits": digits, "token_digest": digest_of_token(token)},
            key=f"factor:{key}:{digest_of_token(token)[:16]}",
            actor=session.actor,
        )
        if answer.session_id is None:
            return Login(None, None, answer.code, answer.wait_until_us)
        return self._told(token)

    def rotate(self, session: Session) -> Login:
        """Another token for the same session, as when its rights have changed.

        Refused: ``party.session_over``.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        digest = digest_of_token(token)
        self._act(
            "party.rotate_session",
            {"session_id": session.id, "token_digest": digest},
            key=f"rotate:{digest}",
            actor=_behind(session),
        )
        return self._told(token)

    def log_out(self, session: Session) -> None:
        """End the session."""
        given = {"session_id": session.id}
        self._act("party.close_session", given, key=f"out:{session.id}", actor=_behind(session))

    def _act(self, name: str, given: dict[str, str], *, key: str, actor: Actor) -> Any:
        return self.node.act(name, given, key=key, actor=actor)


def _behind(session: Session) -> Actor:
    """The user, for the steps that the gate itself takes in their name."""
    return Actor(session.user_id, frozenset({"system"}))


def _drawn(uri: str) -> str:
    """A QR code as inline SVG without any style, so that a strict policy lets it through."""
    import segno

    drawn: str = segno.make(uri, error="m").svg_inline(
        scale=5, border=4, light="#fff", dark="#000", omitsize=True, svgclass="qr", lineclass=None
    )
    return drawn
