"""One request: who asks, in which language and size, with which form; and how it is answered."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import BaseLoader, Environment, TemplateNotFound, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from puhui.channel import Gate, cookie_name, new_key, queues
from puhui.kernel import Actor, Node
from puhui.kernel.clock import business_date
from puhui.kernel.errors import Fault, Refused
from puhui.party.window import Session, digest_of_token
from puhui.payment import numbers
from puhui.web.column import cell_of, product_title
from puhui.web.say import LANGUAGES, first_up, say_in
from puhui.web.who import ROLES_OF

VIEW_COOKIE = "puhui-view"
VISIT_COOKIE = "puhui-visit"
SESSION_SECONDS_MAX = 12 * 3600
VIEW_SECONDS_MAX = 365 * 86_400
SIZES = (0, 1, 2)
CSRF_MARK, PATH_MARK = "@@csrf@@", "@@path@@"
THEMES = ("auto", "light", "dark")
WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
LOOK = "look"
"""The field of a form that is only to be shown again, filled in as it is."""


class Missing(Exception):
    """There is no such page, or it is somebody else's: both look the same from outside."""


class Away(Exception):
    """The answer is another page."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class Waits(Exception):
    """What was asked for is accepted and kept; it is done when the store is back."""

    def __init__(self, answer: queues.Answer) -> None:
        super().__init__(answer.key)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class View:
    """How somebody likes to see pages: language, one of three text sizes, light or dark."""

    language: str = "zh"
    size: int = 0
    theme: str = "auto"

    @classmethod
    def of(cls, text: str, wanted: str = "") -> View:
        """The view in a cookie; what it does not say, or says wrongly, is as usual.

        ``wanted`` is the browser's ``Accept-Language``: it counts until somebody has chosen.
        """
        parts = [*text.split("."), "", "", ""][:3]
        language = parts[0] if parts[0] in LANGUAGES else wanted_language(wanted)
        size = int(parts[1]) if parts[1] in ("0", "1", "2") else 0
        return cls(language, size, parts[2] if parts[2] in THEMES else "auto")

    def __str__(self) -> str:
        return f"{self.language}.{self.size}.{self.theme}"


def wanted_language(header: str) -> str:
    """The language that a browser asks for before all others that pages have (RFC 9110, 12.5.4);
    without one of them: "zh".
    """
    found: dict[str, float] = {}
    for part in header.split(",")[:20]:
        tag, _, weight = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        matched = WEIGHT.fullmatch(weight.strip())
        if language in LANGUAGES and (matched or not weight):
            told = float(matched[1]) if matched else 1.0
            found[language] = max(told, found.get(language, 0.0))
    best = max(found, key=lambda language: found[language], default="zh")
    return best if found.get(best) else "zh"


class _Templates(BaseLoader):
    """Templates as they lie in the package."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        """The text of a template."""
        path = files("puhui.web") / "templates" / template
        if not path.is_file():
            raise TemplateNotFound(template)
        return path.read_text(encoding="utf-8"), template, lambda: True


@lru_cache(maxsize=8)
def static_file(name: str) -> tuple[bytes, str]:
    """A file that browsers keep, with the digest that its address carries."""
    content = (files("puhui.web") / "static" / name).read_bytes()
    return content, sha256(content).hexdigest()[:12]


def make_environment() -> Environment:
    """Templates, escaped always, with what every page says the same way."""
    made = Environment(
        loader=_Templates(),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["style_url"] = f"/static/{static_file('style.css')[1]}/style.css"
    made.globals["who"] = ROLES_OF
    made.globals["cell_of"] = cell_of
    made.globals["product_title"] = product_title
    made.globals["number_of"] = numbers.receipt
    made.filters["titled"] = lambda name, say: (name, product_title(say, name))
    made.filters |= {"first_up": first_up, "pair": lambda word: (word, word)}
    made.globals["script_url"] = f"/static/{static_file('script.js')[1]}/script.js"
    return made


@dataclass(frozen=True, slots=True)
class Site:
    """What all requests of one process share."""

    node: Node
    gate: Gate
    is_tls: bool
    environment: Environment = field(default_factory=make_environment)


@lru_cache(maxsize=256)
def shell_of(environment: Environment, view: View, kind: str) -> tuple[str, Markup]:
    """What stands above and under every page, drawn once for each way to see it.

    The form's proof and the path are put in afterwards: they are hexadecimal and quoted.
    """
    say = say_in(view.language)
    told = {"say": say, "t": say, "view": view, "kind": kind}
    head = environment.get_template("head.html").render(csrf=CSRF_MARK, path=PATH_MARK, **told)
    return head, Markup(environment.get_template("foot.html").render(**told))


class Ask:
    """One request, as a page sees it."""

    def __init__(
        self,
        site: Site,
        request: Request,
        form: Mapping[str, str],
        session: Session | None = None,
        place: str = "",
    ) -> None:
        self.site = site
        self.node = site.node
        self.request = request
        self.form = form
        self.query: Mapping[str, str] = request.query_params
        self.path: str = request.scope["path"]
        self.place = place or self.path
        wanted = request.headers.get("accept-language", "")
        self.view = View.of(request.cookies.get(VIEW_COOKIE, ""), wanted)
        self.say = say_in(self.view.language)
        self.token = request.cookies.get(cookie_name(site.is_tls), "")
        self.visit = request.cookies.get(VISIT_COOKIE, "")
        self.fault: Fault | None = None
        self.session = self._let_in(session)
        self.cookies: list[tuple[str, str, int]] = []
        self.problems: dict[str, str] = {}

    def _let_in(self, session: Session | None) -> Session | None:
        """The session of the request; while the store is not there, one that it let in a short
        while ago, with the fault noted.
        """
        if session is None and not self.token:
            return None
        believed = queues.believed_of(self.node)
        name = f"web {digest_of_token(self.token)}"
        try:
            found = session or self.site.gate.ask(self.token)
        except Fault as fault:
            self.fault = fault
            is_passing = believed is not None and fault.code in queues.PASSING
            known = believed.find(name) if believed is not None and is_passing else None
            assert known is None or isinstance(known, Session), known
            return known
        if believed is not None:
            if found is None:
                believed.forget(name)
            else:
                believed.keep(name, found, found.id, found.user_id)
        return found

    @property
    def is_apart(self) -> bool:
        """Whether the store is not there, so that nothing can be looked up."""
        return self.fault is not None

    @property
    def may_wait(self) -> bool:
        """Whether this customer's payments are accepted while the store is not there."""
        is_customer = self.session is not None and self.session.party_id is not None
        return is_customer and queues.queue_of(self.node) is not None

    @property
    def _kind(self) -> str:
        """Whose shell is drawn: of staff, a customer, a user who is neither yet, or nobody."""
        if self.session is None:
            return "nobody"
        if self.session.grade == "staff":
            return "staff"
        return "customer" if self.session.party_id else "user"

    @property
    def today(self) -> date:
        """The business day of this moment."""
        return business_date(self.node.clock.now_us())

    @property
    def actor(self) -> Actor:
        """Who asks, to the kernel."""
        assert self.session is not None, self.path
        return self.session.actor

    @property
    def roles(self) -> frozenset[str]:
        """The roles of whoever asks; none without a session."""
        return self.session.actor.roles if self.session else frozenset()

    @property
    def party_id(self) -> str:
        """The person or firm that a customer acts for."""
        assert self.session is not None, self.path
        assert self.session.party_id is not None, self.path
        return self.session.party_id

    @cached_property
    def csrf(self) -> str:
        """What forms of this browser carry: nobody who cannot read its cookies can make it."""
        if self.session is not None:
            return self.csrf_of(self.token)
        if not self.visit:
            self.visit = secrets.token_urlsafe(24)
            self.cookies.append((VISIT_COOKIE, self.visit, SESSION_SECONDS_MAX))
        return self.node.keys.index("csrf visit", self.visit)[:32]

    def csrf_of(self, token: str) -> str:
        """What forms of the session with this token carry."""
        return self.node.keys.index("csrf session", token)[:32]

    def is_own_form(self, wanted: str = "") -> bool:
        """Whether the form that was sent is one that this browser was given."""
        given = self.form.get("csrf", "")
        return hmac.compare_digest(given.encode(), (wanted or self.csrf).encode())

    def was_own_form(self) -> bool:
        """Whether it is one of the session that this browser had, and that has ended."""
        is_over = self.session is None and self.fault is None and bool(self.token)
        return is_over and self.is_own_form(self.csrf_of(self.token))

    @property
    def is_look(self) -> bool:
        """Whether a form is only to be shown again, with what was typed before a login."""
        return self.form.get(LOOK) == "1"

    @property
    def here(self) -> str:
        """The address of this page to come back to: of a form, the page that shows it."""
        query = self.request.url.query if self.request.method == "GET" else ""
        return f"{self.place}?{query}" if query else self.place

    @property
    def key(self) -> str:
        """The key of the form that was sent: the same for two clicks, another for a new page.

        Refused: ``web.stale_form`` for a form without one.
        """
        found = self.form.get("key", "")
        if not KEY.fullmatch(found):
            raise Refused("web.stale_form", "The form has no key.")
        return found

    def act(self, name: str, told: Any, *, step: str = "", actor: Actor | None = None) -> Any:
        """Run a use case once for this form; ``step`` tells several of one form apart.

        Waits: where it was accepted while the store is not there, to be done later.
        """
        who = actor or self.actor
        key = self.key_of(name + step, self.key)
        queue = queues.queue_of(self.node)
        if queue is None or name not in queue.use_cases:
            return self.node.act(name, told, key=key, actor=who)
        answer = queue.act(name, told, key=key, actor=who)
        if answer.state is queues.State.REFUSED:
            raise Refused(answer.code, answer.reason)
        if answer.state is queues.State.QUEUED:
            raise Waits(answer)
        return answer.outcome

    def key_of(self, name: str, form_key: str) -> str:
        """The key that an act of a form is done under: a person's own."""
        owner = self.session.user_id if self.session else "visitor"
        return f"web:{owner}:{form_key}:{name}"

    def text(self, name: str) -> str:
        """What was typed into a field, without the space around it; "" where nothing was."""
        return self.form.get(name, "").strip()

    def wrong(self, name: str, text: str) -> None:
        """Note what is wrong with a field; the first thing said of a field stands."""
        self.problems.setdefault(name, text)

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A template as the answer; with problems noted its status is 422."""
        found = self.site.environment.get_template(template)
        head, foot = shell_of(self.site.environment, self.view, self._kind)
        head = head.replace(CSRF_MARK, self.csrf if self.session else "")
        text = found.render(
            head=Markup(head.replace(PATH_MARK, quote(self.here))),
            foot=foot,
            ask=self,
            say=self.say,
            t=self.say,
            view=self.view,
            session=self.session,
            roles=self.roles,
            may=lambda wanted: bool(self.roles & wanted),
            problems=self.problems,
            new_key=new_key,
            **values,
        )
        code = 422 if self.problems and status == 200 else status
        return HTMLResponse(text, status_code=code)

    def go(self, url: str) -> RedirectResponse:
        """Another page, asked for by GET, so that a reload sends nothing twice."""
        return RedirectResponse(url, status_code=303)

    def log_in(self, token: str) -> None:
        """Give the browser its session; the visit that led to it is over."""
        self.cookies.append((cookie_name(self.site.is_tls), token, SESSION_SECONDS_MAX))
        self.cookies.append((VISIT_COOKIE, "", 0))

    def log_out(self) -> None:
        """Take the session from the browser."""
        self.cookies.append((cookie_name(self.site.is_tls), "", 0))

    def set_view(self, view: View) -> None:
        """Keep how somebody likes to see pages."""
        self.cookies.append((VIEW_COOKIE, str(view), VIEW_SECONDS_MAX))

    def login_url(self) -> str:
        """Where to log in, and come back from to this page."""
        where = "/desk/login" if self.path.startswith("/desk") else "/login"
        return f"{where}?next={quote(self.here, safe='')}"

    def finish(self, reply: Response) -> Response:
        """Put the cookies of this request into its answer."""
        for name, value, seconds in self.cookies:
            reply.set_cookie(
                name,
                value,
                max_age=seconds,
                path="/",
                httponly=True,
                samesite="lax",
                secure=self.site.is_tls,
            )
        return reply


Page = Callable[[Ask], Response]
"""What answers an address."""


def own_path(text: str, otherwise: str) -> str:
    """``text`` where it is a path of these pages, else ``otherwise``: never another site."""
    is_path = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_path and "\n" not in text and "\\" not in text else otherwise
