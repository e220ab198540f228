"""``puhui corridor``: payments across a border, by correspondents and by our own exchange."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say

if TYPE_CHECKING:
    from puhui.kernel import Node

FUNDS_MINOR = 10**15
QUOTE_US = 1_000_000
SHARES = (("p10", 0.1), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


def corridor(
    payments: Annotated[int, typer.Option(min=10, max=100_000, help="How many payments.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="What the dice are thrown by.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")] = False,
) -> None:
    """What a payment from China to Thailand costs, and how long it takes, by two ways.

    The correspondent route is drawn from stated figures: banks on the way, their fees, spreads,
    hours and delays. Ours runs: providers sign quotes, and every payment is one exchange.remit on
    a scratch node, timed from asking to durable; its cost is what its quote took. No figure was
    read at its source yet; all are printed, and stand in puhui/exchange/data/corridor.toml.

    Example: puhui corridor --payments 1000 --seed 7 --json
    """
    from puhui.exchange import window

    stated = window.read_corridor()
    drawn = window.corridor.draw(stated, payments, seed)
    with tempfile.TemporaryDirectory(prefix="puhui-corridor-") as folder:
        ran = _run(Path(folder), stated, drawn)
    ways = _ways(stated, drawn, ran)
    say.line(
        f"{payments:,} payments {stated.source_currency} -> {stated.target_currency}, seed {seed};"
        " cost is what the payer lost against the middle rate, in minor units of "
        f"{stated.source_currency}."
    )
    _show(ways)
    say.table(
        ("figure", "value", "unit", "from", "source", "confirmed"),
        [
            (one.name, one.value, one.unit, one.dated, one.source, "yes" if one.confirmed else "no")
            for one in stated.figures
        ],
    )
    if as_json:
        say.figures(_figures(ways, payments, seed))


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to pay: cost in minor units and seconds, payment by payment."""

    name: str
    costs: list[int]
    seconds: list[float]

    def cost(self, share: float) -> int:
        """The cost that so many payments stay at or below."""
        return round(_at(self.costs, share))

    def time(self, share: float) -> float:
        """The seconds that so many payments stay at or below."""
        return _at(self.seconds, share)


def _at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _run(folder: Path, stated: Any, drawn: Sequence[Any]) -> list[tuple[int, float]]:
    """Pay every drawn payment by exchange.remit; its cost, and its seconds."""
    from puhui.exchange.window import corridor as rules
    from puhui.kernel import Actor
    from puhui.kernel.clock import FixedClock, SystemClock
    from puhui.node import open_node

    clock = FixedClock(SystemClock().now_us())
    node = open_node(folder, store_url=f"sqlite:///{folder / 'corridor.sqlite'}", clock=clock)
    actor = Actor("corridor", frozenset({"operator", "system"}))
    try:
        scheme = _Scheme(node, actor, stated)
        ran = []
        with say.progress() as step:
            for at, one in enumerate(drawn):
                scheme.offer(one.offers, at)
                asked = scheme.asked(one.amount_minor)
                begun = time.perf_counter()
                made = node.act("exchange.remit", asked, key=f"remit {at}", actor=actor)
                seconds = time.perf_counter() - begun
                total = made.changed_minor + made.provider_fee_minor + made.scheme_fee_minor
                ran.append((rules.cost_of(stated, total, made.target_minor), seconds))
                clock.set_us(clock.now_us() + 2 * QUOTE_US)  # what nobody took has ended
                step("paying by exchange.remit", at + 1, len(drawn))
    finally:
        node.close()
    return ran


class _Scheme:
    """Two banks and some providers with signing keys of their own, on a scratch node."""

    def __init__(self, node: Node, actor: Any, stated: Any) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.node, self.actor, self.stated = node, actor, stated
        for currency in (stated.source_currency, stated.target_currency):
            told = {"currency": currency, "settlement_kind": "net_deferred"}
            self._act("open_currency", told, f"open {currency}")
        self.payer, self.payee = self._register("Payer's bank"), self._register("Payee's bank")
        self.keys = [Ed25519PrivateKey.generate() for _ in range(stated.providers)]
        self.providers = [self._register(f"Provider {at}", key) for at, key in enumerate(self.keys)]

    def _act(self, name: str, told: Any, key: str) -> Any:
        return self.node.act(f"exchange.{name}", told, key=key, actor=self.actor)

    def _register(self, name: str, key: Any = None) -> str:
        """A participant with funds and cover in both currencies."""
        kind = "bank" if key is None else "provider"
        told = {"name": name, "kind": kind, "public_key": _public(key) if key else ""}
        found = str(self._act("register_participant", told, f"register {name}").participant_id)
        for currency in (self.stated.source_currency, self.stated.target_currency):
            at = {"participant_id": found, "currency": currency}
            label = f"{name} {currency}"
            kind_of = {"settlement_kind": "net_deferred"}
            self._act("open_position", {**at, **kind_of}, f"position {label}")
            funds = {"amount_minor": FUNDS_MINOR, "reference": "first"}
            self._act("put_funds_in", {**at, **funds}, f"funds {label}")
            self._act("set_cap", {**at, "cap_minor": FUNDS_MINOR}, f"cap {label}")
        return found

    def offer(self, offers: Sequence[Any], at: int) -> None:
        """Every provider signs and posts a quote for the payment to come."""
        import base64
        from dataclasses import replace

        from puhui.exchange import Quote, quote_bytes

        for number, (offer, key) in enumerate(zip(offers, self.keys, strict=True)):
            quote = Quote(
                id=f"q{at}-{number}",
                provider_id=self.providers[number],
                source_currency=self.stated.source_currency,
                target_currency=self.stated.target_currency,
                rate=offer.rate,
                minimum_minor=1,
                maximum_minor=FUNDS_MINOR,
                fee_minor=offer.fee_minor,
                expires_us=self.node.clock.now_us() + QUOTE_US,
            )
            signature = base64.b64encode(key.sign(quote_bytes(quote))).decode()
            told = {"quote": replace(quote, signature=signature)}
            self._act("post_quote", told, f"quote {quote.id}")

    def asked(self, amount_minor: int) -> dict[str, object]:
        """The payment of an amount between the two banks."""
        return {
            "payer": f"participant:{self.payer}",
            "payee": f"participant:{self.payee}",
            "source_currency": self.stated.source_currency,
            "target_currency": self.stated.target_currency,
            "amount_kind": "send",
            "amount_minor": amount_minor,
        }


def _public(key: Any) -> str:
    import base64

    from cryptography.hazmat.primitives import serialization

    raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    return base64.b64encode(key.public_key().public_bytes(*raw)).decode()


def _ways(stated: Any, drawn: Sequence[Any], ran: Sequence[tuple[int, float]]) -> list[_Way]:
    """The correspondent route, ours, and ours with a domestic payment on both sides."""
    fees, wait_s = 2 * stated.domestic_leg_fee_minor, 2 * float(stated.domestic_leg_s)
    costs, seconds = [cost for cost, _ in ran], [s for _, s in ran]
    return [
        _Way(
            "by correspondents",
            [one.passage.cost_minor for one in drawn],
            [float(one.passage.seconds) for one in drawn],
        ),
        _Way("ours", costs, seconds),
        _Way("ours, domestic legs too", [c + fees for c in costs], [s + wait_s for s in seconds]),
    ]


def _show(ways: Sequence[_Way]) -> None:
    theirs = ways[0]
    rows = []
    for way in ways:
        shown = [f"{way.cost(share):,}" for _, share in SHARES]
        shown += [_duration(way.time(share)) for _, share in SHARES]
        ratio_cost = way.cost(0.5) / theirs.cost(0.5)
        ratio_time = way.time(0.5) / theirs.time(0.5)
        rows.append((way.name, *shown, f"{ratio_cost:.3f}", f"{ratio_time:.2e}"))
    titles = [f"cost {name}" for name, _ in SHARES] + [f"time {name}" for name, _ in SHARES]
    heads = ("way", *titles, "cost ratio", "time ratio")
    say.table(heads, rows, right=range(1, len(heads)))


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.4f} s" if seconds < 1 else f"{seconds:.1f} s"
    return f"{seconds / 3600:.1f} h"


def _figures(ways: Sequence[_Way], payments: int, seed: int) -> dict[str, object]:
    theirs, ours, whole = ways
    return {
        "payments": payments,
        "seed": seed,
        "cost_ratio": ours.cost(0.5) / theirs.cost(0.5),
        "time_ratio": ours.time(0.5) / theirs.time(0.5),
        "correspondent_cost_minor_p50": theirs.cost(0.5),
        "ours_cost_minor_p50": ours.cost(0.5),
        "correspondent_s_p50": theirs.time(0.5),
        "ours_s_p50": ours.time(0.5),
        "correspondent_s_p90": theirs.time(0.9),
        "ours_s_p99": ours.time(0.99),
        "correspondent_cost_minor_mean": statistics.fmean(theirs.costs),
        "ours_cost_minor_mean": statistics.fmean(ours.costs),
        "cost_ratio_with_domestic_legs": whole.cost(0.5) / theirs.cost(0.5),
        "ours_s_p50_with_domestic_legs": whole.time(0.5),
    }
