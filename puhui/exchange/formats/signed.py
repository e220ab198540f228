"""What is signed: quotes of providers and receipts of nodes, as canonical JSON."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from puhui.exchange.nouns.leg import LegReceipt
from puhui.exchange.nouns.quote import Quote
from puhui.kernel.crypto import canonical_json
from puhui.kernel.errors import Refused

RECEIPT_LENGTH_MAX = 4096
_RECEIPT: TypeAdapter[LegReceipt] = TypeAdapter(LegReceipt)


def quote_bytes(quote: Quote | str) -> bytes:
    """What a provider signs: every field of the quote but the signature, sorted, in UTF-8; of a
    quote that is only named, what takes it back.
    """
    if isinstance(quote, str):
        return recall_bytes(quote)
    fields = asdict(quote)
    del fields["signature"]
    return canonical_json({"kind": "puhui quote", **fields}).encode()


def recall_bytes(quote_id: str) -> bytes:
    """What a provider signs to take a quote back: canonical JSON in UTF-8."""
    return canonical_json({"kind": "puhui quote withdrawal", "quote_id": quote_id}).encode()


def read_receipt(text: str | bytes) -> LegReceipt:
    """The receipt in what a node's API answers (JSON). Refused: ``exchange.bad_receipt``."""
    try:
        return _RECEIPT.validate_json(text[:RECEIPT_LENGTH_MAX])
    except ValidationError:
        raise Refused("exchange.bad_receipt", "This is no receipt of a leg.") from None


def receipt_bytes(receipt: LegReceipt) -> bytes:
    """What a node signs of one of its legs."""
    fields = asdict(receipt)
    del fields["signature"]
    return canonical_json({"kind": "puhui leg receipt", **fields}).encode()
