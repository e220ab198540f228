"""The act: the one way to change anything, and the registry of use cases (用例)."""

from __future__ import annotations

import functools
import hashlib
import inspect
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from puhui.kernel.clock import business_date, time_of
from puhui.kernel.crypto import SubjectKey, canonical_json
from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction

if TYPE_CHECKING:
    from puhui.kernel.node import Node

BATCH_MAX = 8190
"""The most items of a batch act: what fits one mebibyte of 128-byte records."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a user, a machine or a step of the system, with the roles held now."""

    name: str
    roles: frozenset[str]


SYSTEM = Actor("system", frozenset({"system"}))
"""Steps that nobody asks for: deliveries of events and closing a day."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What ``prepare`` hands to an act: the input to record, and keys that must not be recorded."""

    input: Any
    subject_keys: tuple[SubjectKey, ...] = ()


@dataclass(frozen=True, slots=True)
class UseCase:
    """A registered use case; nothing else can change state."""

    name: str
    function: Callable[[Act, Any], Any]
    roles: frozenset[str]
    purpose: str | None
    api: bool
    batch: str | None
    prepare: Callable[[Any, Any], Any] | None
    recompute: Callable[[Act, Any], Any] | None
    has_mapping: bool
    input_adapter: TypeAdapter[Any]
    outcome_adapter: TypeAdapter[Any]

    @property
    def summary(self) -> str:
        """The first sentence of its docstring."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    def parse(self, data: object) -> Any:
        """The typed input from plain data. Refused: ``kernel.bad_input`` naming each field."""
        try:
            return self.input_adapter.validate_python(data)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'input'}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)[:5]
            )
            raise Refused("kernel.bad_input", wrong) from None

    def text_of_input(self, value: object) -> str:
        """JSON of an input: fields in the order of the noun, free mappings sorted."""
        if self.has_mapping:
            return canonical_json(self.input_adapter.dump_python(value, mode="json"))
        return self.input_adapter.serializer.to_json(value).decode()

    def text_of_outcome(self, value: object) -> str:
        """JSON of an outcome, its fields in the order of the noun."""
        return self.outcome_adapter.serializer.to_json(value).decode()

    def input_of(self, text: str) -> Any:
        """The input back from the journal."""
        return self.input_adapter.validate_json(text)

    def outcome_of(self, text: str) -> Any:
        """The outcome back from the journal."""
        return self.outcome_adapter.validate_json(text)


USE_CASES: dict[str, UseCase] = {}


def use_case(
    name: str,
    *,
    roles: tuple[str, ...],
    purpose: str | None = None,
    api: bool = False,
    batch: str | None = None,
    prepare: Callable[[Any, Any], Any] | None = None,
    recompute: Callable[[Act, Any], Any] | None = None,
) -> Callable[[Function], Function]:
    """Register ``function(act, input) -> outcome`` as the use case ``name`` ("room.verb").

    ``roles`` may call it, nobody else; ``api`` opens it over HTTP; ``batch`` names the input's
    tuple of items, at most 8,190. What takes long runs before the act, outside its transaction:
    ``prepare(node, input)`` seals, hashes and reads files. ``recompute(act, input)`` is quick and
    opens the act: it fills in what follows from the store and from files by digest, such as the
    digest of a score, always with the same result. Its result is recorded as the act's input, and
    replay runs it again and compares. It gives None where the data were erased since; then
    replay hands the use case what was recorded, as ``act.recorded``.
    """
    assert name not in USE_CASES, name
    assert roles, name

    def register(function: Function) -> Function:
        hints = get_type_hints(function)
        _, input_name = inspect.signature(function).parameters
        adapter: TypeAdapter[Any] = TypeAdapter(hints[input_name])
        USE_CASES[name] = UseCase(
            name=name,
            function=function,
            roles=frozenset(roles),
            purpose=purpose,
            api=api,
            batch=batch,
            prepare=prepare,
            recompute=recompute,
            has_mapping="'dict'" in repr(adapter.core_schema),
            input_adapter=adapter,
            outcome_adapter=TypeAdapter(hints["return"]),
        )
        return function

    return register


def find_use_case(name: str) -> UseCase:
    """The registered use case. Refused: ``kernel.unknown_use_case``."""
    found = USE_CASES.get(name)
    if found is None:
        raise Refused("kernel.unknown_use_case", f"There is no use case {name[:60]!r}.")
    return found


class Outside(Protocol):
    """Something that an act did beside the store, provisional until the store has committed."""

    def confirm(self) -> None:
        """The act is durable: make it final. Fault: it will be, when the node is opened again."""
        ...

    def undo(self) -> None:
        """The act did not happen: take it back."""
        ...

    def doubt(self) -> None:
        """Nobody knows whether the act was committed: leave it to be looked up."""
        ...


class Act:
    """One run of one use case: its transaction, its time, its chance and its identifiers.

    ``find(key)`` tells name, outcome, refusal and time of the act recorded under a key, also of one
    in the same group. ``kept`` passes what ``recompute`` has read on to the use case and is
    recorded nowhere; ``recorded`` is the first outcome, where a replay cannot work it out any more.
    """

    __slots__ = (
        "_counter",
        "_dice",
        "_today",
        "actor",
        "digests",
        "events",
        "find",
        "kept",
        "key",
        "name",
        "node",
        "now_us",
        "outside",
        "recorded",
        "tx",
    )

    def __init__(
        self,
        *,
        node: Node,
        tx: Transaction,
        name: str,
        key: str,
        actor: str,
        now_us: int,
        find: Callable[[str], Row | None],
    ) -> None:
        self.node = node
        self.tx = tx
        self.name = name
        self.key = key
        self.actor = actor
        self.now_us = now_us
        self.find = find
        self.events: list[tuple[str, str, Mapping[str, object]]] = []
        self.outside: list[Outside] = []
        self.digests: dict[str, str] = {}
        self.kept: dict[str, Any] = {}
        self.recorded: Any = None
        self._counter = 0
        self._dice: random.Random | None = None
        self._today: date | None = None

    @property
    def now(self) -> datetime:
        """The time of the act, aware, UTC; read once."""
        return time_of(self.now_us)

    @property
    def today(self) -> date:
        """The business day of the act."""
        if self._today is None:
            self._today = business_date(self.now_us)
        return self._today

    @property
    def dice(self) -> random.Random:
        """Chance that replays equally; never for anything an attacker gains by guessing."""
        if self._dice is None:
            self._dice = random.Random(f"dice {self.key}")
        return self._dice

    def _next_digest(self) -> bytes:
        self._counter += 1
        return hashlib.blake2b(f"{self.key}\x1f{self._counter}".encode(), digest_size=16).digest()

    def new_id(self, kind: str) -> str:
        """A new identifier: ``loan-``, 11 hex digits of time (ms), 21 of the key and a counter.

        Ids of one moment lie together, so indexes grow at their end and few pages are written.
        """
        return f"{kind}-{self.now_us // 1000:011x}{self._next_digest().hex()[:21]}"

    def new_number(self) -> int:
        """A new 128-bit number, made like ``new_id``: 48 bits of time in ms, 80 of the key."""
        low = int.from_bytes(self._next_digest()[:10], "big")
        return (self.now_us // 1000 % 2**48 << 80) + max(1, low)

    def emit(self, name: str, subject: str, payload: Mapping[str, object]) -> None:
        """Record an event in this act's transaction; payloads carry no personal data."""
        self.events.append((name, subject, payload))

    def note(self, **digests: str) -> None:
        """Name what decided (product, model) by digest; it stands in the journal row."""
        self.digests.update(digests)


@functools.lru_cache(maxsize=1)
def code_version() -> str:
    """The version of the code that runs, as journalled with each act."""
    from puhui import __version__

    return __version__
