"""Operations: what can be called, with its input, its answer, and every code it can refuse with."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from puhui.api.caller import Caller
from puhui.api.peer import PEER_CODES
from puhui.channel import queues
from puhui.channel.window import words_of_codes
from puhui.kernel import Node, Refused
from puhui.kernel.act import USE_CASES, UseCase
from puhui.kernel.forward import State

NUMBER_MAX = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly (RFC 8259 section 6)."""

TEXT_LENGTH_MAX = 4000
COMPUTED_FIELDS = frozenset(("sealed", "scored_digest", "sealed_preimage", "verified_key"))
"""Fields of inputs that the node fills in: no caller gives them."""

CODE = re.compile(r"``([a-z]+\.[a-z_]+)``")

SAME_AS = re.compile(r"what\s+``([a-z]+\.[a-z_]+)``\s+refuses")
"""How a docstring says that it refuses what another use case does."""

STAFF_ALONE = frozenset(("lending.apply",))
"""Not for customers' own programs: the row of an application tells what others have observed."""

NEVER_GIVEN = (".sealed_input", ".checked_input")

ALWAYS_CODES = ("api.not_logged_in", "api.scope_missing", "api.too_often", "kernel.role_missing")
WRITE_CODES = (
    "api.bad_json",
    "api.no_key",
    "api.not_json",
    "api.too_large",
    "kernel.bad_input",
    "kernel.key_reused",
)
READ_CODES = ("api.bad_request", "api.not_found")


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be called; ``name`` is the use case or the read, and the scope."""

    name: str
    method: str
    path: str
    summary: str
    roles: frozenset[str]
    given: type[BaseModel]
    answer: TypeAdapter[Any]
    codes: tuple[str, ...]
    call: Callable[[Node, Caller, Any, str], Any]


def checked_model(noun: type, name: str) -> type[BaseModel]:
    """The noun as a model that takes nothing else, with bounds on every number and text."""
    hints = get_type_hints(noun)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(noun):
        if field.name in COMPUTED_FIELDS:
            continue
        is_needed = field.default is dataclasses.MISSING
        fields[field.name] = (_bounded(hints[field.name]), ... if is_needed else field.default)
    made: type[BaseModel] = create_model(
        name, __config__=ConfigDict(extra="forbid"), __doc__=inspect.getdoc(noun), **fields
    )
    return made


def _bounded(hint: Any) -> Any:
    """A type with numbers and texts kept within what every store and program can hold."""
    if hint is int:
        return Annotated[int, Field(ge=-NUMBER_MAX, le=NUMBER_MAX)]
    if hint is str:
        return Annotated[str, Field(max_length=TEXT_LENGTH_MAX)]
    origin, parts = get_origin(hint), get_args(hint)
    if not parts or origin is Annotated:
        return hint
    bounded = tuple(_bounded(part) for part in parts)
    if origin is None or type(hint).__name__ == "UnionType":
        joined = bounded[0]
        for part in bounded[1:]:
            joined = joined | part
        return joined
    return hint.copy_with(bounded) if hasattr(hint, "copy_with") else origin[bounded]


def noun_of(use_case: UseCase) -> type:
    """What a caller gives: of an input and its sealed form the first."""
    hints = get_type_hints(use_case.function)
    _, input_name = inspect.signature(use_case.function).parameters
    hint = hints[input_name]
    first = get_args(hint)[0] if get_args(hint) else hint
    assert isinstance(first, type), use_case.name
    return first


def codes_of(*functions: object, always: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Every code that the docstrings of these functions name, but those of inputs in a form that
    no caller can give; and those of a use case of which one says that it refuses the same.
    """
    texts = [inspect.getdoc(function) or "" for function in functions if function is not None]
    named = {name for text in texts for name in SAME_AS.findall(text) if name in USE_CASES}
    texts += [inspect.getdoc(USE_CASES[name].function) or "" for name in sorted(named)]
    found = {
        code
        for text in texts
        for code in CODE.findall(text)
        if code in words_of_codes() and not code.endswith(NEVER_GIVEN)
    }
    return tuple(sorted(found | set(always)))


def write_operations() -> tuple[Operation, ...]:
    """One operation for each use case that says ``api=True``."""
    return tuple(_write(use_case) for name, use_case in sorted(USE_CASES.items()) if use_case.api)


def _roles_of(use_case: UseCase) -> frozenset[str]:
    """Who may call over HTTP: no step of the system, and visitors where nobody else is meant."""
    known = use_case.roles - {"visitor", "system"}
    if use_case.name in STAFF_ALONE:
        known -= {"customer"}
    return known or frozenset({"visitor"})


@lru_cache(maxsize=256)
def _write(use_case: UseCase) -> Operation:
    room, verb = use_case.name.split(".")
    noun = noun_of(use_case)
    model = checked_model(noun, f"{verb.title().replace('_', '')}Input")
    names = tuple(model.model_fields)

    def call(node: Node, caller: Caller, given: Any, key: str) -> Any:
        input = noun(**{name: getattr(given, name) for name in names})
        key = f"api:{caller.actor.name}:{key}"
        queue = queues.queue_of(node)
        if queue is None or use_case.name not in queue.use_cases:
            return node.act(use_case.name, input, key=key, actor=caller.actor)
        answer = queue.act(use_case.name, input, key=key, actor=caller.actor)
        if answer.state is State.REFUSED:
            raise Refused(answer.code, answer.reason)
        return answer if answer.state is State.QUEUED else answer.outcome

    return Operation(
        name=use_case.name,
        method="POST",
        path=f"/api/{room}/{verb}",
        summary=use_case.summary.partition(" Refused:")[0],
        roles=_roles_of(use_case),
        given=model,
        answer=use_case.outcome_adapter,
        codes=codes_of(
            use_case.function,
            use_case.prepare,
            use_case.recompute,
            always=ALWAYS_CODES + WRITE_CODES + _peer_codes(use_case.roles),
        ),
        call=call,
    )


def _peer_codes(roles: frozenset[str]) -> tuple[str, ...]:
    """What a node can be told that signs its request, where nodes may call."""
    return PEER_CODES if "peer" in roles else ()


def read_operation(
    name: str,
    path: str,
    given: type,
    answer: type,
    roles: frozenset[str],
    function: Callable[[Node, Caller, Any], Any],
) -> Operation:
    """One read: ``function(node, caller, given)`` answers with the noun ``answer``."""
    return Operation(
        name=name,
        method="GET",
        path=path,
        summary=(inspect.getdoc(function) or "").split("\n\n")[0].partition(" Refused:")[0],
        roles=roles,
        given=checked_model(given, f"{name.split('.')[1].title().replace('_', '')}Query"),
        answer=TypeAdapter(answer),
        codes=codes_of(function, always=ALWAYS_CODES + READ_CODES + _peer_codes(roles)),
        call=lambda node, caller, query, key: function(node, caller, query),
    )
