"""Checking a newly registered person's name and number: at a register that a setting names.

Without one, where codes are shown on the page because nobody else can reach the server, the check
passes as a synthetic one and says so; otherwise the person stays unchecked until a branch does it.
"""

from __future__ import annotations

import json
import os
import urllib.request
from hashlib import sha256
from typing import TYPE_CHECKING

from puhui.kernel import Actor
from puhui.kernel.errors import Fault, Refused

if TYPE_CHECKING:
    from puhui.web.ask import Ask

TIMEOUT_S = 10
ANSWER_BYTES_MAX = 10_000
CHECKER = Actor("identity_gateway", frozenset({"operator"}))
"""The machine that says what the register answered."""


def ask_register(url: str, *, name: str, number: str) -> tuple[bool, str]:
    """What the register at ``url`` says of a name with a number, and the digest of its answer.

    It takes {"name", "number"} as JSON and answers {"match": true or false}.
    Fault: ``web.no_register`` where it cannot be asked.
    """
    body = json.dumps({"name": name, "number": number}).encode()
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as reply:
            content = reply.read(ANSWER_BYTES_MAX)
        answer = json.loads(content)
    except (OSError, ValueError) as error:
        raise Fault("web.no_register", f"The register cannot be asked: {error}.") from None
    is_match = isinstance(answer, dict) and answer.get("match") is True
    return is_match, sha256(content).hexdigest()


def check_identity(ask: Ask, party_id: str, *, name: str, number: str) -> None:
    """Check who a new customer is, and record the result; where it cannot be done, nothing is."""
    url = os.environ.get("PUHUI_IDENTITY_URL", "")
    if url:
        try:
            is_match, evidence = ask_register(url, name=name, number=number)
        except Fault:
            return
        method = "name_and_number"
    elif ask.site.gate.gateway.shows_code:
        is_match, evidence, method = True, sha256(party_id.encode()).hexdigest(), "synthetic"
    else:
        return
    told = {
        "party_id": party_id,
        "method": method,
        "is_passed": is_match,
        "evidence_digest": evidence,
    }
    try:
        ask.act("party.verify_identity", told, actor=CHECKER)
    except Refused as refused:
        if refused.code != "kernel.key_reused":
            raise
