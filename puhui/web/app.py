"""The pages as one application: routes, who may open what, and what is shown when things fail."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from puhui.channel import Gate, cookie_name, queues, said
from puhui.channel.window import SECURITY_HEADERS, TLS_HEADERS
from puhui.kernel import Node
from puhui.kernel.errors import Fault, Refused
from puhui.party.window import Session, session_of
from puhui.web.ask import Ask, Away, Missing, Page, Site, static_file
from puhui.web.kept import keep, places
from puhui.web.pages import entry
from puhui.web.routes import APART, QUICK, ROUTES
from puhui.web.who import Who

FORM_BYTES_MAX = 64 * 1024
FIELDS_MAX = 200
TOKEN_LENGTH_MAX = 200
FRESH_US = 240 * 1_000_000
"""Younger than what the gate notes the use of a session after."""

FOREVER = "public, max-age=31536000, immutable"
KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
NOT_THERE = ("lending.no_application", "lending.no_contract", "complaint.unknown", "party.unknown",
             "party.not_yours", "data.not_own", "data.unknown_access", "data.unknown_consent",
             "lending.no_product", "party.unknown_user", "servicing.no_loan",
             "servicing.no_relief", "lending.no_proposal", "lending.no_guarantee_ask")  # fmt: skip
"""Refusals that are told as a page that is not there: who asks for another's learns nothing."""

NOT_STORED = (b"cache-control", b"no-store")
PAIRS = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
TLS_PAIRS = (*PAIRS, *((name.encode(), value.encode()) for name, value in TLS_HEADERS.items()))
GUARDS = frozenset(name for name, _ in TLS_PAIRS)

log = logging.getLogger("puhui.web")


def build_pages(node: Node, gate: Gate, *, is_tls: bool = False) -> Starlette:
    """The pages of a node as an ASGI application; ``is_tls`` marks cookies as secure."""
    site = Site(node, gate, is_tls)
    stands = places(ROUTES)
    routes = [
        Route(
            path,
            _endpoint(site, Served(page, who, *(stands[path] if method == "POST" else ()))),
            methods=[method],
        )
        for method, path, page, who in sorted(ROUTES, key=lambda one: one[2] not in QUICK)
    ]
    routes.append(Route("/static/{digest}/{name}", _static, methods=["GET"]))
    return Starlette(
        routes=routes,
        exception_handlers={404: _unknown(site, 404), 405: _unknown(site, 405)},
    )


@dataclass(frozen=True, slots=True)
class Served:
    """What answers an address and who may open it; of a form, where it stands and is drawn."""

    page: Page
    who: Who
    place: str = ""
    drawn: Page | None = None

    def place_of(self, request: Request) -> str:
        """Where the form of a request stands; "" for what is no form."""
        return self.place.format(**request.path_params)


def _endpoint(site: Site, served: Served) -> Callable[[Request], Awaitable[Response]]:
    is_quick = served.page in QUICK

    async def call(request: Request) -> Response:
        form: dict[str, str] = {}
        if is_quick and (session := _fresh_session(site, request)) is not None:
            return _answer(site, request, form, served, session)
        if request.method == "POST":
            try:
                read = await _read_form(request)
            except ClientDisconnect:
                return Response(status_code=400)
            if read is None:
                return await run_in_threadpool(_fail, site, request, 413)
            form = read
        return await run_in_threadpool(_answer, site, request, form, served)

    return call


def _fresh_session(site: Site, request: Request) -> Session | None:
    """The session of a request whose last use need not be noted now: so nothing is written."""
    token = request.cookies.get(cookie_name(site.is_tls), "")
    if not token or len(token) > TOKEN_LENGTH_MAX:
        return None
    try:
        with site.node.read() as tx:
            session = session_of(site.node, tx, token)
    except Fault:  # told by the page, in another thread
        return None
    now_us = site.node.clock.now_us()
    return session if session is not None and now_us - session.seen_us <= FRESH_US else None


async def _read_form(request: Request) -> dict[str, str] | None:
    """The fields of a form by name; None where it is larger than any form of ours."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > FORM_BYTES_MAX:
            return None
    try:
        pairs = parse_qsl(
            content.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        return {}
    return {name: value.replace("\r\n", "\n").replace("\0", "") for name, value in pairs}


def _answer(
    site: Site,
    request: Request,
    form: dict[str, str],
    served: Served,
    session: Session | None = None,
) -> Response:
    ask = Ask(site, request, form, session, served.place_of(request))
    page = served.drawn if served.drawn is not None and ask.is_look else served.page
    try:
        if ask.fault is not None and (ask.session is None or page not in APART):
            raise ask.fault
        reply = _turned_away(ask, served.who) or page(ask)
    except Away as away:
        reply = RedirectResponse(away.url, status_code=303)
    except Missing:
        reply = _error(ask, 404)
    except Refused as refused:
        reply = _refusal(ask, refused)
    except Fault as fault:
        log.error("%s on %s", fault.code, page.__name__)
        may_wait = ask.may_wait and fault.code in queues.PASSING
        reply = _error(ask, 503, said(fault.code, ask.view.language), may_wait=may_wait)
    except Exception:
        log.exception("a page failed: %s", page.__name__)
        reply = _error(ask, 500)
    return _guarded(ask.finish(reply), is_tls=site.is_tls)


def _turned_away(ask: Ask, who: Who) -> Response | None:
    """Where somebody may not go on: log in first, a stale form, or no such page for them."""
    if ask.request.method == "POST" and not ask.is_own_form():
        if who in (Who.CUSTOMER, Who.USER) and ask.was_own_form() and (kept := keep(ask)):
            return entry.log_in_again(ask, kept)
        if who is not Who.ANYONE and ask.session is None:
            return RedirectResponse(ask.login_url(), status_code=303)
        return _error(ask, 403, ask.say("error.stale"))
    if who is Who.ANYONE:
        return None
    if ask.session is None:
        return RedirectResponse(ask.login_url(), status_code=303)
    if who is Who.USER:
        return None
    if who is Who.CUSTOMER:
        if ask.session.grade == "half":
            return RedirectResponse("/desk/factor", status_code=303)
        if "customer" in ask.roles and ask.session.party_id is not None:
            return None
        if ask.session.grade == "own":
            return RedirectResponse("/register", status_code=303)
        return _error(ask, 404)
    if ask.session.grade == "half":
        return RedirectResponse("/desk/factor", status_code=303)
    return None if ask.roles & who.value else _error(ask, 404)


def _refusal(ask: Ask, refused: Refused) -> Response:
    if refused.code in NOT_THERE:
        return _error(ask, 404)
    return _error(ask, 422, said(refused.code, ask.view.language))


def _error(ask: Ask, status: int, reason: str = "", *, may_wait: bool = False) -> Response:
    ask.problems = {}
    told = {"code": status, "reason": reason, "may_wait": may_wait}
    return ask.page("error.html", status=status, **told)


def _fail(site: Site, request: Request, status: int) -> Response:
    return _guarded(_error(Ask(site, request, {}), status), is_tls=site.is_tls)


def _unknown(site: Site, status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def call(request: Request, error: Exception) -> Response:
        return await run_in_threadpool(_fail, site, request, status)

    return call


def _guarded(reply: Response, *, is_tls: bool = False) -> Response:
    kept = [pair for pair in reply.raw_headers if pair[0] not in GUARDS]
    is_kept = any(name == b"cache-control" for name, _ in kept)
    added = TLS_PAIRS if is_tls else PAIRS
    reply.raw_headers = [*kept, *added, *(() if is_kept else (NOT_STORED,))]
    return reply


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ("style.css", "script.js"):
        return Response(status_code=404)
    content, digest = static_file(name)
    kept = FOREVER if request.path_params["digest"] == digest else "no-cache"
    reply = Response(content, media_type=KINDS[name.rpartition(".")[2]])
    reply.headers["Cache-Control"] = kept
    return _guarded(reply)
