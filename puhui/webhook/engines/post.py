"""Telling one endpoint one event: a signed POST with a timeout."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from datetime import UTC, datetime

from puhui.kernel.errors import Refused
from puhui.kernel.event import Delivery
from puhui.kernel.node import Node
from puhui.webhook.engines.address import check_url, open_address

TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 4096
SECOND_US = 1_000_000


def message_of(delivery: Delivery, event_id: str) -> bytes:
    """An event as it is told: its name, time, place in the journal and data."""
    moment = datetime.fromtimestamp(delivery.time_us / SECOND_US, UTC)
    told = {
        "id": event_id,
        "type": delivery.event.name,
        "position": delivery.position,
        "time": moment.isoformat(timespec="milliseconds"),
        "subject": delivery.event.subject,
        "data": json.loads(delivery.event.payload),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(node: Node, event_id: str, body: bytes) -> dict[str, str]:
    """The headers of a message, signed with the node's Ed25519 key over id, time and body.

    Names and form are those of the Standard Webhooks specification, signatures ``v1a``; the time
    lets the receiver refuse what is old.
    """
    seconds = str(node.clock.now_us() // SECOND_US)
    signature = node.keys.sign(f"{event_id}.{seconds}.".encode() + body)
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "puhui",
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1a,{signature}",
    }


def post(url: str, headers: dict[str, str], body: bytes, *, may_be_loopback: bool) -> int:
    """POST a message once; the status, 0 where no answer came. Redirects are not followed."""
    try:
        parts = check_url(url, may_be_loopback=may_be_loopback)
    except Refused:
        return 0
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        address = open_address(host, port, may_be_loopback=may_be_loopback)
        raw = socket.create_connection((address, port), timeout=TIMEOUT_S)
        try:
            if parts.scheme == "https":
                raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
            connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
            connection.sock = raw
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read(ANSWER_BYTES_MAX)
            return answer.status
        finally:
            raw.close()
    except (OSError, ValueError, http.client.HTTPException):
        return 0
