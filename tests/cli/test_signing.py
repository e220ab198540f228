"""A provider's own key: made once, kept to itself, and quotes signed with it that a node takes."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from puhui.exchange import Quote, quote_bytes
from puhui.kernel.crypto import verify_signature
from tests.cli.program import Program

pytestmark = pytest.mark.xdist_group("cli")
OFFER = {
    "id": "q-1",
    "provider_id": "nobody",
    "source_currency": "CNY",
    "target_currency": "USD",
    "rate": "0.1400",
    "minimum_minor": 100,
    "maximum_minor": 5_000_000,
    "fee_minor": 0,
    "expires_us": 0,
}


@pytest.mark.parametrize("password", ["", "天时地利 4711"])
def test_a_quote_is_signed_off_line_and_taken_by_a_node(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("PUHUI_KEY_PASSWORD", password)
    key, plain, signed = (tmp_path / name for name in ("key.pem", "quote.json", "signed.json"))
    made = program("exchange", "make-key", key, "--json")
    assert made.code == 0, made.said
    public_key = str(made.figures["public_key"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert ("ENCRYPTED" in key.read_text("utf-8")) == bool(password)
    assert program("exchange", "show-key", "--key", key).out.strip() == public_key
    again = program("exchange", "make-key", key)
    assert (again.code, "not written over" in again.err) == (2, True), again.said
    told = ("One", "provider", "--public-key", public_key)
    provider = program("exchange", "participant", *told, "--json").figures["participant"]
    for currency in ("CNY", "USD"):
        assert program("exchange", "open-currency", currency, "net_deferred").code == 0
    plain.write_text(json.dumps({**OFFER, "provider_id": provider}), "utf-8")
    words = ("sign-quote", plain, "--key", key, "--minutes", "10", "--out", signed)
    assert program("exchange", *words).code == 0
    quote = Quote(**json.loads(signed.read_text("utf-8")))
    assert verify_signature(public_key, quote_bytes(quote), quote.signature)
    posted = program("exchange", "quote", signed, "--json")
    assert posted.figures == {"quote": "q-1", "state": "open"}, posted.said
    shown = program("exchange", "sign-quote", signed, "--key", key)
    assert json.loads(shown.out) == asdict(quote), "signing is the same each time"
    recalled = program("exchange", "sign-withdrawal", "q-1", "--key", key)
    signature = json.loads(recalled.out)["signature"]
    assert verify_signature(public_key, quote_bytes("q-1"), signature)
    monkeypatch.setenv("PUHUI_KEY_PASSWORD", "another")
    assert program("exchange", "show-key", "--key", key).code == 2


def test_what_cannot_be_signed_is_told(program: Program, tmp_path: Path) -> None:
    key, file = tmp_path / "key.pem", tmp_path / "quote.json"
    assert program("exchange", "make-key", key).code == 0
    for text, words in (
        ("{", "no JSON"),
        ("[]", "no quote"),
        (json.dumps({**OFFER, "rate": 0.14}), "rate"),
        (json.dumps({**OFFER, "minimum_minor": "1"}), "minimum_minor"),
        (json.dumps({key: OFFER[key] for key in OFFER if key != "id"}), "id"),
    ):
        file.write_text(text, "utf-8")
        ended = program("exchange", "sign-quote", file, "--key", key)
        assert (ended.code, words in ended.err) == (2, True), ended.said
    (tmp_path / "other.pem").write_text("no key", "utf-8")
    for path in ("other.pem", "none.pem"):
        assert program("exchange", "show-key", "--key", tmp_path / path).code == 2
    assert program("exchange", "make-key", tmp_path / "none" / "key.pem").code == 2
