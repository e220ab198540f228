"""The description of the API (OpenAPI 3.1): made from the operations, so it cannot differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter

from puhui.api.operation import Operation
from puhui.api.problem import NOT_THERE_CODES, PROBLEM_TYPE, body_of, status_of
from puhui.channel import queues, said

REF = "#/components/schemas/{model}"

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457, with the stable code and the words for people in both languages.",
    "required": ["type", "title", "status", "detail", "code", "zh", "en"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "zh": {"type": "string"},
        "en": {"type": "string"},
    },
}

QUEUED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A payment that is kept on disk, and posted when the store is back.",
    "required": ["state", "code", "accepted_us", "zh", "en"],
    "additionalProperties": False,
    "properties": {
        "state": {"const": "queued"},
        "code": {"const": "api.queued"},
        "accepted_us": {"type": "integer", "description": "When, in microseconds UTC."},
        "zh": {"type": "string"},
        "en": {"type": "string"},
    },
}

KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": (
        "Made by the caller for each thing to be done. The same key and body give the first "
        "answer again, so that a lost answer can be asked for without doing anything twice."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "example": "7f3c1a52-9d0e-4c8b-8a6d-2f0e9b1c4d55",
}


@lru_cache(maxsize=1)
def examples() -> dict[str, dict[str, Any]]:
    """An example of what each operation is given, by name."""
    text = files("puhui.api").joinpath("data", "examples.json").read_text("utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def openapi_of(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole description."""
    from puhui import __version__

    made = [(one.name, "validation", TypeAdapter(one.given)) for one in operations]
    told = [(one.name, "serialization", one.answer) for one in operations]
    inputs: Any = made + told
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=REF)
    components = dict(definitions.get("$defs", {}))
    components["Problem"] = PROBLEM_SCHEMA
    components["Queued"] = QUEUED_SCHEMA
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        given = schemas[one.name, "validation"]
        shown = schemas[one.name, "serialization"]
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(
            one, given, shown, components
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "puhui 普惠",
            "version": __version__,
            "description": (
                "Amounts are whole minor units (fen), rates are shares per year as text, times "
                "are microseconds UTC. Refusals answer problem+json with a stable code."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _operation(
    one: Operation, given: dict[str, Any], shown: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    room = one.name.partition(".")[0]
    found: dict[str, Any] = {
        "operationId": one.name,
        "tags": [room],
        "summary": one.summary,
        "description": f"Scope `{one.name}`. Roles: {', '.join(sorted(one.roles - {'system'}))}.",
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": shown}},
            },
            **(_queued() if one.name in queues.QUEUED_USE_CASES else {}),
            **_refusals(one),
        },
        "x-refusal-codes": list(one.codes),
    }
    example = examples().get(one.name, {})
    if one.method == "POST":
        found["parameters"] = [KEY_PARAMETER]
        content = {"schema": given, "example": example}
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    else:
        found["parameters"] = list(_parameters(one, given, components, example))
    return found


def _queued() -> dict[str, Any]:
    """What is answered while no primary is up (RFC 9110 section 15.3.3)."""
    return {
        "202": {
            "description": (
                f"{said('api.queued', 'en')} Code: api.queued. It may still be refused then: "
                "send the same request with the same key again to learn what became of it."
            ),
            "headers": {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            },
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Queued"}}},
        }
    }


def _parameters(
    one: Operation,
    given: dict[str, Any],
    components: dict[str, Any],
    example: dict[str, Any],
) -> list[dict[str, Any]]:
    """The fields of a query, in the path or behind it."""
    schema = given
    if "$ref" in given:
        schema = components.pop(given["$ref"].rpartition("/")[2])
    found = []
    for name, field in schema.get("properties", {}).items():
        is_in_path = f"{{{name}}}" in one.path
        shown = {"name": name, "in": "path" if is_in_path else "query", "schema": field}
        shown["required"] = is_in_path
        if name in example:
            shown["example"] = example[name]
        found.append(shown)
    return found


def _refusals(one: Operation) -> dict[str, Any]:
    """Every code that the operation can answer with, by status, each with its words."""
    by_status: dict[int, list[str]] = {}
    for code in one.codes:
        told = "api.not_found" if code in NOT_THERE_CODES else code
        codes = by_status.setdefault(status_of(code), [])
        if told not in codes:
            codes.append(told)
    if "{" in one.path:
        by_status.setdefault(404, ["api.not_found"])
    by_status[500] = ["api.failed"]
    by_status[503] = ["kernel.overloaded", "kernel.not_durable", "kernel.store_busy"]
    found: dict[str, Any] = {}
    for status, codes in sorted(by_status.items()):
        found[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}.",
            "content": {
                PROBLEM_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {
                        code: {"summary": said(code, "en"), "value": body_of(code, "...", status)}
                        for code in codes
                    },
                }
            },
        }
    found.get("429", {})["headers"] = {
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    }
    return found
