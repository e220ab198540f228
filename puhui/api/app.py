"""The API as one application: routes from the operations, one way in, one way out."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from puhui.api.caller import Caller, Reception
from puhui.api.operation import Operation, write_operations
from puhui.api.peer import signed_answer
from puhui.api.problem import Problem, answer, problem_of
from puhui.api.read import read_operations
from puhui.api.schema import openapi_of
from puhui.channel import Gate, queues, said
from puhui.kernel import Fault, Node, Refused
from puhui.kernel.forward import Answer

BODY_BYTES_MAX = 256 * 1024
KEY_LENGTH_MAX = 128

LOGGER = logging.getLogger("puhui.api")

Endpoint = Callable[[Request], Awaitable[Response]]


def build_api(node: Node, gate: Gate) -> Starlette:
    """Every operation of a node under /api, with its description at /api/openapi.json."""
    operations = write_operations() + read_operations()
    reception = Reception(node, gate)
    routes = [
        Route(one.path, _endpoint(node, reception, one), methods=[one.method], name=one.name)
        for one in operations
    ]
    routes += [
        Route(
            "/api/openapi.json", _fixed(_described(operations), "application/json"), methods=["GET"]
        ),
        Route("/api/key", _key(node), methods=["GET"]),
        Route("/api/refusals/{code}", _words, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: _no_route, 405: _no_method})


@lru_cache(maxsize=2)
def _described(operations: tuple[Operation, ...]) -> bytes:
    return json.dumps(openapi_of(operations), ensure_ascii=False).encode()


def describe() -> tuple[tuple[str, str, str, str, tuple[str, ...]], ...]:
    """Every operation for a list: name, method, path, what it does, and who may call it."""
    return tuple(
        (one.name, one.method, one.path, one.summary, tuple(sorted(one.roles)))
        for one in sorted(write_operations() + read_operations(), key=lambda one: one.name)
    )


def operation_names() -> tuple[str, ...]:
    """What can be called, by name: the scopes that a key may have."""
    return tuple(sorted(one.name for one in write_operations() + read_operations()))


def _endpoint(node: Node, reception: Reception, operation: Operation) -> Endpoint:
    async def call(request: Request) -> Response:
        body = b""
        if operation.method == "POST":
            try:
                read = await _read_body(request)
            except ClientDisconnect:
                return Response(status_code=400)
            if read is None:
                return answer("api.too_large", f"At most {BODY_BYTES_MAX:,} bytes.", 413)
            body = read
        return await run_in_threadpool(_answer, node, reception, operation, request, body)

    return call


async def _read_body(request: Request) -> bytes | None:
    """The body; None where it is larger than any request of ours."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > BODY_BYTES_MAX:
            return None
    return bytes(content)


def _answer(
    node: Node, reception: Reception, operation: Operation, request: Request, body: bytes
) -> Response:
    may_queue = operation.name in queues.QUEUED_USE_CASES
    try:
        caller = reception.caller_of(request.scope, body, may_queue=may_queue)
    except (Problem, Refused, Fault) as error:
        return problem_of(error)
    except Exception:
        LOGGER.exception("nobody knows who asks for %s", operation.name)
        return answer("api.failed", "Nothing was recorded; the request may be sent again.", 500)
    answered = _answer_to(caller, node, operation, request, body)
    return answered if caller.peer is None else signed_answer(node, caller.peer, answered)


def _answer_to(
    caller: Caller, node: Node, operation: Operation, request: Request, body: bytes
) -> Response:
    """What is answered to somebody who is known."""
    try:
        caller.check_scope(operation.name)
        caller.check_roles(operation.roles)
        key, given = "", {}
        if operation.method == "POST":
            key = _key_of(request)
            given = _given_by_body(operation, request, body)
        else:
            given = _given_by_address(operation, request)
        outcome = operation.call(node, caller, given, key)
        if isinstance(outcome, Answer):
            return _queued(outcome)
        content = operation.answer.dump_json(outcome)
        return Response(content, media_type="application/json")
    except (Problem, Refused, Fault) as error:
        if error.code not in operation.codes and not isinstance(error, Fault):
            LOGGER.warning("%s answers %s, which is not described", operation.name, error.code)
        return problem_of(error)
    except Exception:
        LOGGER.exception("%s failed", operation.name)
        return answer("api.failed", "Nothing was recorded; the request may be sent again.", 500)


def _queued(accepted: Answer) -> Response:
    """Accepted, not yet posted: the same request with the same key later tells what became of it.

    Source of the status: RFC 9110 section 15.3.3.
    """
    told = {
        "state": "queued",
        "code": "api.queued",
        "accepted_us": accepted.accepted_us,
        "zh": said("api.queued", "zh"),
        "en": said("api.queued", "en"),
    }
    content = json.dumps(told, ensure_ascii=False)
    return Response(content, 202, {"retry-after": "5"}, media_type="application/json")


def _key_of(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 0 < len(key) <= KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise Problem(
            "api.no_key",
            f"Send an Idempotency-Key of 1 to {KEY_LENGTH_MAX} printable ASCII characters.",
        )
    return key


def _given_by_body(operation: Operation, request: Request, body: bytes) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("api.not_json", "Send the body as application/json.")
    try:
        return operation.given.model_validate_json(body, strict=True)
    except ValidationError as error:
        is_syntax = any(item["type"] == "json_invalid" for item in error.errors())
        raise Problem("api.bad_json" if is_syntax else "kernel.bad_input", _wrong(error)) from None


def _given_by_address(operation: Operation, request: Request) -> Any:
    pairs = request.query_params.multi_items()
    if len({name for name, _ in pairs}) < len(pairs):
        raise Problem("api.bad_request", "A parameter is given once.")
    try:
        return operation.given.model_validate({**dict(pairs), **request.path_params})
    except ValidationError as error:
        raise Problem("api.bad_request", _wrong(error)) from None


def _wrong(error: ValidationError) -> str:
    """Which fields are wrong and how, without what was given."""
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)[:5]
    )


def _fixed(content: bytes, media_type: str) -> Endpoint:
    async def call(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return call


def _key(node: Node) -> Endpoint:
    content = json.dumps({"algorithm": "ed25519", "public_key": node.keys.public_key}).encode()
    return _fixed(content, "application/json")


async def _words(request: Request) -> Response:
    """What a code says to people, in both languages."""
    code = str(request.path_params["code"])
    words = {"code": code, "zh": said(code, "zh"), "en": said(code, "en")}
    return Response(json.dumps(words, ensure_ascii=False), media_type="application/json")


async def _no_route(request: Request, error: Exception) -> Response:
    return answer("api.not_found", "There is no such address.", 404)


async def _no_method(request: Request, error: Exception) -> Response:
    allowed = getattr(error, "headers", None) or {}
    return answer("api.no_such_method", "This address takes another method.", 405, allowed)
