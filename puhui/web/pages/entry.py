"""The first pages: home, help, how pages look, logging in by a code, and who one is."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import timedelta

from starlette.responses import Response

from puhui.channel import address_of, said
from puhui.kernel.errors import Refused
from puhui.lending import shelf
from puhui.party import actor_of
from puhui.party.window import Session, sessions_of
from puhui.web.ask import SIZES, THEMES, Ask, own_path
from puhui.web.identity import check_identity
from puhui.web.kept import read_kept
from puhui.web.say import LANGUAGES

PRODUCT = "merchant_310"
OFFERED = (
    PRODUCT,
    "merchant_joint",
    "merchant_guaranteed",
    "crop_season",
    "stall_weekly",
    "tool_balloon",
    "build_stages",
)
"""What customers apply for on pages; one mapping reads their facts for all of these."""


def on_offer() -> tuple[str, ...]:
    """What customers apply for: the products above and the bank's own in yuan, by name."""
    own = (name for name in shelf.product_names() if shelf.product_file(name) is not None)
    return (*OFFERED, *(name for name in own if shelf.load_product(name).currency == "CNY"))


PHONE_COOKIE = "puhui-phone"
IDENTITY_DAYS = 30
PHONE_SECONDS_MAX = 1800
"""How long a browser keeps the phone that it logged in with, to fill it in when it registers."""


def home(ask: Ask) -> Response:
    """What this is, what it costs, what happens, before anybody logs in."""
    product = shelf.load_product(PRODUCT)
    joint = ask.say.pick("、", ", ")
    months = joint.join(str(term) for term in product.terms_months)
    others = [shelf.load_product(name) for name in on_offer()[1:]]
    return ask.page("home.html", product=product, months=months, others=others)


def help_page(ask: Ask) -> Response:
    """The questions people ask, answered."""
    return ask.page("help.html", back="/")


def view(ask: Ask) -> Response:
    """Another language, size or theme, kept in the browser, and back to where one was."""
    found = ask.view
    if ask.query.get("language") in LANGUAGES:
        found = replace(found, language=ask.query["language"])
    if ask.query.get("size") in {str(size) for size in SIZES}:
        found = replace(found, size=int(ask.query["size"]))
    if ask.query.get("theme") in THEMES:
        found = replace(found, theme=ask.query["theme"])
    ask.set_view(found)
    return ask.go(own_path(ask.query.get("back", ""), "/"))


def settings(ask: Ask) -> Response:
    """Language, size, theme, and where else one is logged in."""
    found: tuple[Session, ...] = ()
    if ask.session is not None:
        with ask.node.read() as tx:
            found = sessions_of(ask.node, tx, ask.session.user_id)
    back = "/" if ask.session is None else "/desk" if ask.session.grade == "staff" else "/me"
    return ask.page("settings.html", sessions=found, back=back)


def close_sessions(ask: Ask) -> Response:
    """End every session of this user, this one too."""
    assert ask.session is not None, ask.path
    ask.act("party.close_sessions", {"user_id": ask.session.user_id})
    ask.log_out()
    return ask.go("/login")


def _next(ask: Ask) -> str:
    return own_path(ask.query.get("next", ""), "/me")


def login(ask: Ask) -> Response:
    """The phone to send a code to."""
    if ask.session is not None and ask.session.grade == "own":
        return ask.go(_next(ask))
    return _login(ask)


def _login(ask: Ask) -> Response:
    kept = ask.form.get("kept", "")
    return ask.page("login.html", next=_next(ask), back="/", phone=ask.text("phone"), kept=kept)


def log_in_again(ask: Ask, kept: str) -> Response:
    """The login for whose session has ended, with what was typed into the form that was sent."""
    return ask.page("login.html", next=ask.here, back="/", phone="", kept=kept)


def send_code(ask: Ask) -> Response:
    """Send the code, and ask for it."""
    phone = _digits(ask.text("phone"))
    if not phone:
        ask.wrong("phone", ask.say("login.phone_missing"))
        return _login(ask)
    try:
        sent = ask.site.gate.send_code(phone, address=_address(ask), key=ask.key)
    except Refused as refused:
        ask.wrong("phone", said(refused.code, ask.view.language))
        return _login(ask)
    if sent.code is not None:
        ask.wrong("phone", _waited(ask, sent.code, sent.wait_until_us))
        return _login(ask)
    return _code(ask, phone, sent.shown)


def _code(ask: Ask, phone: str, shown: str | None = None) -> Response:
    masked = f"{phone[:3]} **** {phone[-4:]}"
    return ask.page(
        "code.html",
        next=_next(ask),
        phone=phone,
        masked=masked,
        shown=shown,
        kept=ask.form.get("kept", ""),
    )


def try_code(ask: Ask) -> Response:
    """Log in by the code, into a new session."""
    phone, digits = _digits(ask.text("phone")), _digits(ask.text("digits"))
    if not digits:
        ask.wrong("digits", ask.say("login.digits_missing"))
        return _code(ask, phone)
    try:
        found = ask.site.gate.try_code(phone, digits, address=_address(ask), key=ask.key)
    except Refused as refused:
        ask.wrong("digits", said(refused.code, ask.view.language))
        return _code(ask, phone)
    if found.token is None or found.session is None:
        ask.wrong("digits", _waited(ask, found.code or "", found.wait_until_us))
        return _code(ask, phone)
    ask.log_in(found.token)
    if found.session.party_id is None:
        ask.cookies.append((PHONE_COOKIE, phone, PHONE_SECONDS_MAX))
        return ask.go("/register")
    kept = read_kept(ask, found.session.user_id)
    if kept is None:
        return ask.go(_next(ask))
    return ask.page("kept.html", kept=kept, csrf=ask.csrf_of(found.token))


def _waited(ask: Ask, code: str, until_us: int | None) -> str:
    """Why not, and how long to wait."""
    text = said(code, ask.view.language)
    left = 0 if until_us is None else until_us - ask.node.clock.now_us()
    if left <= 0:
        return text
    return f"{text}{ask.say.pick('', ' ')}{ask.say('login.wait', wait=_span(ask, left))}"


def _span(ask: Ask, left_us: int) -> str:
    seconds = -(-left_us // 1_000_000)
    if seconds < 60:
        return ask.say.pick(f"{seconds} 秒", f"{seconds} s")
    return ask.say.wait(seconds + 59)


def log_out(ask: Ask) -> Response:
    """End this session."""
    is_staff = ask.session is not None and ask.session.grade != "own"
    if ask.session is not None:
        ask.site.gate.log_out(ask.session)
    ask.log_out()
    return ask.go("/desk/login" if is_staff else "/")


def register(ask: Ask) -> Response:
    """The name of who has logged in and is not registered yet."""
    if ask.session is not None and ask.session.party_id is not None:
        return ask.go("/me")
    return ask.page("register.html", part="name", name="")


def give_name(ask: Ask) -> Response:
    """Take the name, and ask for the identity number."""
    name = ask.text("name")
    if not name:
        ask.wrong("name", ask.say("register.name_missing"))
        return ask.page("register.html", part="name", name="")
    return _number(ask, name)


def _number(ask: Ask, name: str) -> Response:
    phone = ask.text("phone") or ask.request.cookies.get(PHONE_COOKIE, "")
    return ask.page(
        "register.html",
        part="number",
        name=name,
        phone=phone,
        number=ask.text("number"),
        back="/register",
    )


FIELD_OF = {"party.bad_name": "name", "party.bad_phone": "phone", "party.phone_differs": "phone"}


def give_number(ask: Ask) -> Response:
    """Register the person behind the login, check who it is, and go on in a new session."""
    assert ask.session is not None, ask.path
    if ask.session.party_id is not None:
        return ask.go("/me")
    name, number = ask.text("name"), ask.text("number")
    phone = _digits(ask.text("phone"))
    if not number:
        ask.wrong("number", ask.say("register.number_missing"))
    if ask.text("agree") != "yes":
        ask.wrong("agree", ask.say("register.agree_missing"))
    if ask.problems:
        return _number(ask, name)
    told = {"name": name, "id_number": number, "phone": phone}
    try:
        made = ask.act("party.become_customer", told)
    except Refused as refused:
        ask.wrong(FIELD_OF.get(refused.code, "number"), said(refused.code, ask.view.language))
        return _number(ask, name)
    with ask.node.read() as tx:
        customer = actor_of(tx, ask.session.user_id)
    consent = {
        "party_id": made.party_id,
        "purpose": "identity_check",
        "fields": ("name", "id_number"),
        "until": ask.today + timedelta(days=IDENTITY_DAYS),
    }
    ask.act("data.grant_consent", consent, actor=customer)
    check_identity(ask, made.party_id, name=name, number=number)
    found = ask.site.gate.rotate(ask.session)
    if found.token is not None:
        ask.log_in(found.token)
    ask.cookies.append((PHONE_COOKIE, "", 0))
    return ask.go("/me?welcome=1")


def _address(ask: Ask) -> str:
    return address_of(ask.request.scope)


def _digits(text: str) -> str:
    """Digits as people type them: full-width ones, with spaces and dashes between."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(plain.split()).replace("-", "").removeprefix("+86")
