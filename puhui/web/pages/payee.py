"""Who is to be paid or asked: found by phone, wallet or customer number, named in part."""

from __future__ import annotations

import re
from dataclasses import dataclass

from puhui.channel import said
from puhui.channel.window import shown_name
from puhui.kernel.errors import Refused
from puhui.kernel.store import Transaction
from puhui.ledger import lookup_accounts
from puhui.party import Party, find_parties
from puhui.payment import numbers
from puhui.payment.window import codes_of
from puhui.web.ask import Ask

MATCHES_MAX = 5
_PHONE = re.compile(r"1[0-9]{10}")
_NUMBER = re.compile(r"[0-9a-f]{32}|[0-9]{19}")
_ACCOUNT = re.compile(r"[0-9a-f]{32}")
_PARTY = re.compile(r"party-[0-9a-z-]{8,60}")


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom a form names: ``id`` is a party id or a wallet's number.

    ``name`` is the part of the name that may be shown, "" where none may. ``how`` tells how it was
    found, as a word and the number of which part is hidden: "phone 138****5678".
    """

    id: str
    name: str
    how: str


def hide_phone(phone: str) -> str:
    """A phone number with its middle hidden, as people know it from receipts."""
    return f"{phone[:3]}****{phone[-4:]}"


def hide_number(number: str) -> str:
    """The end of a number, as lists and receipts show it: of an account that of its wallet's."""
    if _ACCOUNT.fullmatch(number):
        number = numbers.shown(int(number, 16)).replace(" ", "")
    return f"…{number[-4:].upper()}"


def find_payees(ask: Ask, text: str, *, by_number: bool = True) -> tuple[Payee, ...]:
    """Everybody a text means, none where it means nobody; problems are noted at ``who``."""
    typed = re.sub(r"[\s\u3000-]", "", text) if not text.strip().startswith("party-") else text
    typed = typed.strip().lower()
    if _NUMBER.fullmatch(typed) and by_number:
        return _of_number(ask, typed)
    with ask.node.read() as tx:
        if _PHONE.fullmatch(typed):
            try:
                found = find_parties(ask.node, tx, phone=typed)
            except Refused as refused:
                ask.wrong("who", said(refused.code, ask.view.language))
                return ()
            how = f"phone {hide_phone(typed)}"
        elif _PARTY.fullmatch(typed):
            found = find_parties(ask.node, tx, party_ids=[typed])
            how = f"party {hide_number(typed)}"
        else:
            ask.wrong("who", ask.say("pay.bad_who" if by_number else "pay.bad_phone"))
            return ()
    living = [one for one in found if not one.is_erased]
    if not living:
        ask.wrong("who", ask.say("pay.nobody"))
        return ()
    if all(one.id == ask.party_id for one in living):
        ask.wrong("who", ask.say("pay.yourself"))
        return ()
    others = [one for one in living if one.id != ask.party_id][:MATCHES_MAX]
    return tuple(Payee(one.id, name_of(ask, one), how) for one in others)


def _of_number(ask: Ask, number: str) -> tuple[Payee, ...]:
    with ask.node.read() as tx:
        try:
            found = int(number, 16) if _ACCOUNT.fullmatch(number) else numbers.find(tx, number)
        except Refused as refused:
            ask.wrong("who", said(refused.code, ask.view.language))
            return ()
        (account,) = lookup_accounts(tx, [found])
    if account is None:
        ask.wrong("who", ask.say("pay.no_such_wallet"))
        return ()
    number = f"{found:032x}"
    return (Payee(number, "", f"wallet {hide_number(number)}"),)


def name_of(ask: Ask, party: Party, key: str = "") -> str:
    """As much of a party's name as a payer may see, "" where none: each look is on record.

    ``key`` is for pages that are only looked at: one look a key.
    """
    key = key or ask.key_of(f"data.record_access:{party.id}", ask.key)
    return shown_name(ask.node, party, key=key)


def label_of(ask: Ask, tx: Transaction, party: str) -> str:
    """What a list calls somebody: oneself, a merchant by its public name, else a short number."""
    if party == ask.party_id:
        return ask.say("pay.self")
    codes = codes_of(tx, party, count=1) if party.startswith("party-") else ()
    if codes:
        return ask.say.pick(codes[0].name_local or codes[0].name, codes[0].name)
    return ask.say("pay.other", number=hide_number(party)) if party else ask.say("pay.lender")


def labels_of(ask: Ask, tx: Transaction, parties: set[str]) -> dict[str, str]:
    """The same for many, by party."""
    return {one: label_of(ask, tx, one) for one in parties}
