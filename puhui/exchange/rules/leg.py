"""Rules of legs: who can be at an end, what fulfils a leg, and what may become of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from puhui.exchange.nouns.leg import Leg, LegReceipt, PrepareLeg
from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, MINOR_MAX

HERE = "here"
ENDED = ("posted", "aborted", "expired")
LONGEST_S = 30 * 24 * 3600
"""The longest that a leg may be held, in seconds: ours, no standard's."""

_ID = re.compile(r"[A-Za-z0-9._:-]{1,120}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class End:
    """Who stands at an end of a payment: a party's wallet or a participant's position."""

    kind: str
    id: str


def end_of(text: str) -> End:
    """The end that "party:ID" or "participant:ID" names. Refused: ``exchange.bad_end``."""
    kind, _, found = text.partition(":")
    if kind not in ("party", "participant") or not 0 < len(found) <= 80:
        raise Refused("exchange.bad_end", f"{text[:40]!r} names neither a party nor a participant.")
    return End(kind, found)


def check_leg(asked: PrepareLeg, now_us: int) -> int:
    """Whether a leg can be held at ``now_us``; for how many whole seconds, rounded up.

    Refused: ``exchange.bad_leg``, ``exchange.bad_condition``, ``exchange.bad_amount``,
    ``exchange.unknown_currency``, ``exchange.leg_expired``, ``exchange.same_end``,
    ``exchange.bad_end``.
    """
    if not _ID.fullmatch(asked.leg_id) or not _ID.fullmatch(asked.deal_id):
        raise Refused("exchange.bad_leg", "A leg and its deal have an id.")
    if not _HASH.fullmatch(asked.condition):
        raise Refused("exchange.bad_condition", "A condition is 64 small hex digits.")
    if asked.currency not in DIGITS:
        raise Refused("exchange.unknown_currency", f"{asked.currency[:10]!r} is not traded here.")
    if not 0 <= asked.fee_minor < asked.amount_minor < MINOR_MAX:
        raise Refused("exchange.bad_amount", "An amount is above nought, and above its fee.")
    if end_of(asked.payer) == end_of(asked.payee):
        raise Refused("exchange.same_end", "A payment has two ends.")
    if asked.expires_us <= now_us:
        raise Refused("exchange.leg_expired", "The time of this leg is over.")
    seconds = -(-(asked.expires_us - now_us) // 1_000_000)
    if seconds > LONGEST_S:
        raise Refused("exchange.bad_leg", "A leg is not held for so long.")
    return seconds


def check_same(leg: Leg, asked: PrepareLeg) -> None:
    """Whether a leg is asked for again as it is on record.

    Refused: ``exchange.leg_differs``. The time is compared in whole seconds, as it is kept.
    """
    found = (leg.deal_id, leg.payer, leg.payee, leg.currency, leg.amount_minor, leg.condition)
    told = (
        asked.deal_id, asked.payer, asked.payee, asked.currency, asked.amount_minor,
        asked.condition,
    )  # fmt: skip
    is_same_fee = leg.fee_minor == asked.fee_minor
    is_same_time = 0 <= leg.expires_us - asked.expires_us < 1_000_000
    if found != told or leg.awaits != asked.awaits or not (is_same_time and is_same_fee):
        raise Refused("exchange.leg_differs", "This leg is on record with other terms.")


def fulfils(preimage: str, condition: str) -> bool:
    """Whether the SHA-256 of ``preimage`` (32 bytes in hex) is the condition."""
    if not _HASH.fullmatch(preimage):
        return False
    return hashlib.sha256(bytes.fromhex(preimage)).hexdigest() == condition


def judge_fulfilment(leg: Leg, preimage: str, now_us: int) -> bool:
    """Whether a leg is to be moved on; False where it was fulfilled by the same before.

    A leg past its time is not fulfilled, even where nobody has ended it yet. Refused:
    ``exchange.wrong_fulfilment``, ``exchange.leg_ended``, ``exchange.leg_expired``.
    """
    if not fulfils(preimage, leg.condition):
        raise Refused("exchange.wrong_fulfilment", "This does not fulfil the condition.")
    if leg.state in ("fulfilled", "posted"):
        return False
    if leg.state == "expired" or (leg.state == "prepared" and leg.expires_us <= now_us):
        raise Refused("exchange.leg_expired", "The time of this leg is over.")
    if leg.state != "prepared":
        raise Refused("exchange.leg_ended", "This leg was given up.")
    return True


def judge_abort(leg: Leg, *, is_alone: bool) -> bool:
    """Whether a leg is to be given up; False where it was before.

    A fulfilled leg waits for the other one of its deal, so it is given up only where that one can
    never come (``is_alone``: none is here). Refused: ``exchange.leg_posted``,
    ``exchange.leg_fulfilled``.
    """
    if leg.state in ("aborted", "expired"):
        return False
    if leg.state == "posted":
        raise Refused("exchange.leg_posted", "This leg is paid.")
    if leg.state == "fulfilled" and not (leg.awaits == HERE and is_alone):
        raise Refused("exchange.leg_fulfilled", "This leg waits for the other one of its deal.")
    return True


def judge_receipt(leg: Leg, receipt: LegReceipt) -> str:
    """What a peer's receipt makes of a leg that waits for it: posted or aborted.

    Refused: ``exchange.bad_receipt`` where it is of another deal or says nothing final;
    ``exchange.leg_ended`` where the leg has ended otherwise already.
    """
    is_other = (receipt.deal_id, receipt.condition) != (leg.deal_id, leg.condition)
    if is_other or receipt.leg_id == leg.id or receipt.state not in ENDED:
        raise Refused("exchange.bad_receipt", "This receipt does not end the leg.")
    outcome = "posted" if receipt.state == "posted" else "aborted"
    is_ended_so = leg.state == outcome or (leg.state == "expired" and outcome == "aborted")
    if leg.state in ENDED and not is_ended_so:
        raise Refused("exchange.leg_ended", "This leg has ended otherwise.")
    return outcome
