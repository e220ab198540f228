"""The gateway over HTTP: one JSON POST a message, with a timeout and few tries."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from urllib.parse import urlsplit

from puhui.kernel import Fault, Refused

TIMEOUT_S = 3.0
TRIES = 3
PAUSE_S = 0.2


class HttpGateway:
    """POSTs ``{"id", "to", "text"}`` to a gateway; the id is the same in every try of a message.

    Answers 2xx are success; 4xx are final; anything else is tried again, after a pause that
    doubles, three times in all.
    """

    shows_code = False

    def __init__(self, url: str, *, token: str | None = None) -> None:
        parts = urlsplit(url)
        is_near = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.hostname is None or parts.scheme not in ("https", "http"):
            raise Refused("channel.bad_gateway", "The message gateway is named by an http URL.")
        if parts.scheme == "http" and not is_near:
            raise Refused("channel.bad_gateway", "Codes leave this machine over https alone.")
        self._parts = parts
        self._token = token

    def send(self, phone: str, text: str) -> None:
        """Hand one message over. Fault: ``channel.message_lost``."""
        body = json.dumps(
            {"id": secrets.token_hex(16), "to": phone, "text": text}, ensure_ascii=False
        ).encode()
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE_S * 2 ** (attempt - 1))
            status = self._post(body)
            if 200 <= status < 300:
                return
            if 400 <= status < 500:
                break
        raise Fault("channel.message_lost", "The message gateway did not take the message.")

    def _post(self, body: bytes) -> int:
        """One try; 0 where no answer came."""
        parts = self._parts
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        headers = {"content-type": "application/json; charset=utf-8"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", path, body=body, headers=headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
