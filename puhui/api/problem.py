"""What goes wrong, as problem+json (RFC 9457) in both languages with a stable code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from puhui.channel import said
from puhui.kernel import Fault, Refused

PROBLEM_TYPE = "application/problem+json"

STATUS_OF_CODE = {
    "api.bad_request": 400,
    "api.bad_json": 400,
    "api.no_key": 400,
    "kernel.bad_input": 400,
    "kernel.bad_key": 400,
    "api.not_logged_in": 401,
    "api.peer_late": 401,
    "api.peer_replayed": 401,
    "api.peer_signature": 401,
    "api.peer_unknown": 401,
    "api.scope_missing": 403,
    "kernel.role_missing": 403,
    "api.not_found": 404,
    "api.no_such_method": 405,
    "kernel.key_reused": 409,
    "api.too_large": 413,
    "api.not_json": 415,
    "api.too_often": 429,
    "api.failed": 500,
}
"""Codes that do not answer 422; what is not there answers 404, a fault 503."""

NOT_THERE_CODES = frozenset(
    (
        "party.not_yours",
        "party.unknown",
        "party.unknown_user",
        "party.unknown_api_key",
        "data.not_own",
        "data.unknown_consent",
        "data.unknown_party",
        "lending.no_application",
        "lending.no_contract",
        "webhook.unknown",
    )
)
"""Told as one and the same, so that nobody learns whether another's thing exists."""


class Problem(Exception):
    """An answer that is no success: a code, and one sentence for whoever writes the program."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


def status_of(code: str) -> int:
    """The HTTP status that a refusal's code answers with."""
    if code in NOT_THERE_CODES:
        return 404
    return STATUS_OF_CODE.get(code, 422)


def problem_of(error: Problem | Refused | Fault) -> Response:
    """An error as the answer of its kind."""
    if isinstance(error, Problem):
        return answer(error.code, error.detail, status_of(error.code), error.headers)
    if isinstance(error, Fault):
        return answer(error.code, "The same request may be sent again.", 503, {"retry-after": "1"})
    if error.code in NOT_THERE_CODES:
        return answer("api.not_found", "There is no such thing, or it is not yours.", 404)
    return answer(error.code, error.reason, status_of(error.code))


def body_of(code: str, detail: str, status: int) -> dict[str, object]:
    """The members of a problem."""
    return {
        "type": f"/api/refusals/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "zh": said(code, "zh"),
        "en": said(code, "en"),
    }


def answer(
    code: str, detail: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem as a response."""
    content = json.dumps(body_of(code, detail, status), ensure_ascii=False)
    return Response(content, status, headers, media_type=PROBLEM_TYPE)
