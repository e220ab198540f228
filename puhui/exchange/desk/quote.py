"""Quotes: taken in under the provider's signature, and taken back."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

from puhui.exchange.desk.lists import tariff
from puhui.exchange.desk.participant import STAFF
from puhui.exchange.formats.signed import quote_bytes, recall_bytes
from puhui.exchange.nouns.quote import (
    PostQuote,
    Quote,
    QuotePosted,
    RecallQuote,
    WithdrawQuote,
)
from puhui.exchange.rules import quote as rules
from puhui.exchange.tables import participant as participant_tables
from puhui.exchange.tables import quote as tables
from puhui.kernel.act import Act, use_case
from puhui.kernel.crypto import verify_signature
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction

QUOTERS = (*STAFF, "provider")
"""Whoever may hand a signed quote in: staff, and the machines of providers."""

_FIELDS = tuple(field.name for field in fields(Quote))


def quote_of(row: Row) -> Quote:
    """The quote of a row."""
    return Quote(**{name: getattr(row, name) for name in _FIELDS})


def _key_of_provider(tx: Transaction, provider_id: str) -> str:
    row = tx.one(participant_tables.READ_PARTICIPANT, id=provider_id)
    if row is None or row.kind != "provider":
        raise Refused("exchange.unknown_provider", f"There is no provider {provider_id[:60]}.")
    if row.status != "active":
        raise Refused("exchange.participant_suspended", "This participant is suspended.")
    return str(row.public_key)


def verify_quote(node: Node, input: PostQuote) -> PostQuote:
    """Check a quote's signature, before the act, and name the key that it was checked with.

    Refused: ``exchange.unknown_provider``, ``exchange.participant_suspended``,
    ``exchange.bad_signature``.
    """
    with node.read() as tx:
        key = _key_of_provider(tx, input.quote.provider_id)
    if not verify_signature(key, quote_bytes(input.quote), input.quote.signature):
        raise Refused("exchange.bad_signature", "The provider did not sign this quote.")
    return replace(input, verified_key=key)


@use_case("exchange.post_quote", roles=QUOTERS, api=True, prepare=verify_quote)
def post_quote(act: Act, input: PostQuote) -> QuotePosted:
    """Take in a signed quote; the same quote again answers where it stands.

    Refused: ``exchange.bad_quote``, ``exchange.bad_rate``, ``exchange.unknown_currency``,
    ``exchange.same_currency``, ``exchange.quote_expired``, ``exchange.quote_reused`` for an id
    that means another quote, ``exchange.too_many_quotes``, and those of ``verify_quote``.
    """
    quote = input.quote
    if _key_of_provider(act.tx, quote.provider_id) != input.verified_key:
        raise Refused("exchange.bad_signature", "The provider's key has changed.")
    found = act.tx.one(tables.READ_QUOTE, id=quote.id)
    if found is not None:
        if quote_of(found) != quote:
            raise Refused("exchange.quote_reused", "This id means another quote already.")
        return QuotePosted(quote.id, found.state)
    rules.check_quote(quote, act.now_us)
    _check_room(act, quote)
    act.tx.put(tables.INSERT_QUOTE, **asdict(quote), state="open")
    return QuotePosted(quote.id, "open")


def _check_room(act: Act, quote: Quote) -> None:
    """Whether the book of a pair has room for one more quote of this provider.

    Refused: ``exchange.too_many_quotes``.
    """
    rows = act.tx.all(
        tables.COUNT_OPEN_QUOTES,
        source_currency=quote.source_currency,
        target_currency=quote.target_currency,
        now_us=act.now_us,
    )
    counts = {row.provider_id: row.quotes for row in rows}
    rules.check_room(
        counts.get(quote.provider_id, 0),
        sum(counts.values()),
        provider_max=tariff().quotes_provider_max,
        pair_max=tariff().quotes_pair_max,
    )


def lock_quote(act: Act, quote_id: str) -> Row:
    """A quote, locked. Refused: ``exchange.unknown_quote``."""
    row = act.tx.one(tables.LOCK_QUOTE, id=quote_id)
    if row is None:
        raise Refused("exchange.unknown_quote", f"There is no quote {quote_id[:60]}.")
    return row


@use_case("exchange.withdraw_quote", roles=STAFF)
def withdraw_quote(act: Act, input: WithdrawQuote) -> QuotePosted:
    """Take a quote back that nobody took. Refused: ``exchange.unknown_quote``,
    ``exchange.quote_taken``.
    """
    return _withdraw(act, input.quote_id)


def verify_recall(node: Node, input: RecallQuote) -> RecallQuote:
    """Check who takes a quote back, before the act, and name the key that it was checked with.

    Refused: ``exchange.unknown_quote``, ``exchange.unknown_provider``,
    ``exchange.participant_suspended``, ``exchange.bad_signature``.
    """
    with node.read() as tx:
        row = tx.one(tables.READ_QUOTE, id=input.quote_id)
        if row is None:
            raise Refused("exchange.unknown_quote", f"There is no quote {input.quote_id[:60]}.")
        key = _key_of_provider(tx, row.provider_id)
    if not verify_signature(key, recall_bytes(input.quote_id), input.signature):
        raise Refused("exchange.bad_signature", "The provider did not sign this withdrawal.")
    return replace(input, verified_key=key)


@use_case("exchange.recall_quote", roles=QUOTERS, api=True, prepare=verify_recall)
def recall_quote(act: Act, input: RecallQuote) -> QuotePosted:
    """Take an own quote back that nobody took, under the signature of its provider.

    Refused: ``exchange.quote_taken``, and those of ``verify_recall``.
    """
    row = lock_quote(act, input.quote_id)
    if _key_of_provider(act.tx, row.provider_id) != input.verified_key:
        raise Refused("exchange.bad_signature", "The provider's key has changed.")
    return _withdraw(act, input.quote_id)


def _withdraw(act: Act, quote_id: str) -> QuotePosted:
    row = lock_quote(act, quote_id)
    if row.state == "taken":
        raise Refused("exchange.quote_taken", "This quote was taken already.")
    act.tx.put(tables.SET_STATE, id_=row.id, state_="withdrawn")
    return QuotePosted(row.id, "withdrawn")
