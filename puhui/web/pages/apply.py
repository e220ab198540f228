"""Applying in five steps, one question a page, kept after each so that any device can go on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from puhui.data import foresee, read_lists
from puhui.kernel import Actor, Fault
from puhui.kernel.errors import Refused
from puhui.kernel.money import Money, parse_money
from puhui.lending import keep_mapping, shelf
from puhui.lending.window import applications_of
from puhui.merchant import Stated, read_row
from puhui.payment import wallet_account
from puhui.score import study
from puhui.web.ask import Ask
from puhui.web.own import drop_draft, keep_draft, own_party, read_draft
from puhui.web.pages.amount import plain_amount
from puhui.web.pages.entry import PRODUCT, on_offer
from puhui.web.pages.term import (
    DUE_DAY_MAX,
    due_day_of,
    hint_words,
    rhythm_of,
    shift_of,
    term_words,
)

MAPPING = "merchant_310"
CHANNEL = "web"
PURPOSE = "credit_decision"
FIELDS = (
    "birth_date",
    "bureau_debt",
    "invoice",
    "past_repayment",
    "registry_fact",
    "stated_income",
    "wallet_flow",
)
"""The data fields that a row is made from, and that the consent must cover."""

CONSENT_DAYS = 365
HISTORY_DAYS = 120
READER = Actor("lender", frozenset({"operator"}))
"""The machine that reads what the customer consented to; each look is on record."""

STEPS = ("amount", "plan", "income", "consent", "check")
UNDER_WAY = ("open", "review", "offered")
PLAN = ("months", "use", "due_day", "rhythm")
PURPOSES = ("stock", "equipment", "rent", "wages", "other")


def _step(name: str) -> tuple[int, int]:
    return STEPS.index(name) + 1, len(STEPS)


def chosen(draft: dict[str, str]) -> Any:
    """The product that is applied for: the one chosen on the shelf, or the first of it."""
    name = draft.get("product", "")
    return shelf.load_product(name if name in on_offer() else PRODUCT)


def start(ask: Ask) -> Response:
    """Where to go on: an application under way, or the first step that is not done.

    ``product`` in the address chooses one from the shelf.
    """
    wanted = ask.query.get("product", "")
    with ask.node.read() as tx:
        found = [row for row in applications_of(tx, ask.party_id) if row.status in UNDER_WAY]
    for row in found:
        if row.product in on_offer():
            return ask.go(f"/application/{row.id}?here=1")
    draft = read_draft(ask)
    if wanted in on_offer() and draft.get("product", PRODUCT) != wanted:
        return ask.go(f"/apply/amount?product={wanted}")
    return ask.go(f"/apply/{_first_open(draft)}")


def _first_open(draft: dict[str, str]) -> str:
    for name, fields in (("amount", ("amount",)), ("plan", ("months", "use")),
                         ("income", ("income", "debt", "overdue"))):  # fmt: skip
        if not all(draft.get(field) for field in fields):
            return name
    return "check" if draft.get("consent") else "consent"


def amount(ask: Ask) -> Response:
    """How much, and of which product."""
    draft = read_draft(ask)
    wanted = ask.query.get("product", "")
    if wanted in on_offer():
        draft = {**draft, "product": wanted}
    return _amount(ask, draft.get("amount", ""), chosen(draft))


def _amount(ask: Ask, value: str, product: Any) -> Response:
    return ask.page(
        "apply_amount.html",
        step=_step("amount"),
        value=value,
        product=product,
        offered=[shelf.load_product(name) for name in on_offer()],
        back="/me",
    )


def give_amount(ask: Ask) -> Response:
    """Keep the amount, if the product lends it."""
    product = chosen({**read_draft(ask), "product": ask.text("product")})
    typed = ask.text("amount")
    wanted = _money(ask, "amount", typed, product.currency)
    if wanted is not None:
        lowest, highest = product.smallest_minor, product.largest_minor
        if not lowest <= wanted.minor <= highest:
            said = {"least": ask.say.money(lowest), "most": ask.say.money(highest)}
            ask.wrong("amount", ask.say("apply.amount_range", **said))
        elif wanted.minor % product.step_minor:
            ask.wrong(
                "amount", ask.say("apply.amount_step", step=ask.say.money(product.step_minor))
            )
    if ask.problems:
        return _amount(ask, typed, product)
    return _kept(ask, "amount", amount=typed, product=product.name)


def _money(ask: Ask, name: str, typed: str, currency: str) -> Money | None:
    bad = ask.say.maybe(f"apply.{name}_bad", ask.say("form.bad_amount"))
    try:
        found = parse_money(plain_amount(typed), currency)
    except Refused:
        ask.wrong(name, bad)
        return None
    if found.minor < 0:
        ask.wrong(name, bad)
        return None
    return found


def _kept(ask: Ask, done: str, **values: str) -> Response:
    """Keep the values and go to the next step, or back to the check when all was given before."""
    draft = read_draft(ask)
    draft.update(values)
    keep_draft(ask, draft)
    following = _first_open(draft)
    at = STEPS.index(done) + 1
    return ask.go(f"/apply/{following if following == 'check' else STEPS[at]}")


def plan(ask: Ask) -> Response:
    """For how long, and for what."""
    draft = read_draft(ask)
    return _plan(ask, {name: draft.get(name, "") for name in PLAN})


def _plan(ask: Ask, typed: dict[str, str]) -> Response:
    product = chosen(read_draft(ask))
    schedule = product.schedule
    told = [
        ask.say("apply.months", months=n) if schedule.rhythms else term_words(ask, product, n)
        for n in product.terms_months
    ]
    terms = [(str(n), words) for n, words in zip(product.terms_months, told, strict=True)]
    uses = [(name, ask.say(f"apply.use_{name}")) for name in PURPOSES]
    return ask.page(
        "apply_plan.html",
        step=_step("plan"),
        terms=terms,
        uses=uses,
        typed=typed,
        rhythms=[(one.value, ask.say(f"apply.rhythm_{one.value}")) for one in schedule.rhythms],
        chooses_due_day=schedule.chooses_due_day,
        hint="" if schedule.rhythms else hint_words(ask, product),
        shift=shift_of(product.servicing),
        back="/apply/amount",
    )


def give_plan(ask: Ask) -> Response:
    """Keep the term and the use."""
    product = chosen(read_draft(ask))
    typed = {name: ask.text(name) for name in PLAN}
    months, use, due_day, word = typed.values()
    rhythm = rhythm_of(product, word)
    if months not in {str(n) for n in product.terms_months}:
        ask.wrong("months", ask.say("apply.months_missing"))
    elif product.schedule.rhythms and rhythm is None:
        ask.wrong("rhythm", ask.say("apply.rhythm_missing"))
    elif shelf.instalments_of(product, int(months), rhythm) is None:
        fits = [n for n in product.terms_months if shelf.instalments_of(product, n, rhythm)]
        joined = ask.say.pick("、", ", ").join(str(n) for n in fits)
        ask.wrong("rhythm", ask.say("apply.rhythm_odd", months=joined))
    if use not in PURPOSES:
        ask.wrong("use", ask.say("apply.use_missing"))
    if due_day and not (due_day.isdecimal() and 1 <= int(due_day) <= DUE_DAY_MAX):
        ask.wrong("due_day", ask.say("apply.due_day_bad", most=DUE_DAY_MAX))
    if ask.problems:
        return _plan(ask, typed)
    return _kept(ask, "plan", **typed)


def income(ask: Ask) -> Response:
    """What comes in in a year, and what is owed elsewhere."""
    draft = read_draft(ask)
    return _income(ask, {name: draft.get(name, "") for name in ("income", "debt", "overdue")})


def _income(ask: Ask, values: dict[str, str]) -> Response:
    return ask.page("apply_income.html", step=_step("income"), values=values, back="/apply/plan")


def give_income(ask: Ask) -> Response:
    """Keep what the customer says of income and debts."""
    values = {name: ask.text(name) for name in ("income", "debt", "overdue")}
    for name in ("income", "debt"):
        _money(ask, name, values[name], "CNY")
    if values["overdue"] not in ("yes", "no"):
        ask.wrong("overdue", ask.say("apply.overdue_missing"))
    if ask.problems:
        return _income(ask, values)
    return _kept(ask, "income", **values)


def consent(ask: Ask) -> Response:
    """What would be read, by whom, for how long; agreed to in full or not at all."""
    return _consent(ask)


def _is_consented(ask: Ask) -> bool:
    with ask.node.read() as tx:
        party = own_party(ask, tx)
        now_us = ask.node.clock.now_us()
        try:
            foresee(tx, party, purpose=PURPOSE, fields=FIELDS, now_us=now_us)
        except Refused as refused:
            if refused.code.startswith("data."):
                return False
            raise
    return True


def _consent(ask: Ask) -> Response:
    lists = read_lists()
    return ask.page(
        "apply_consent.html",
        step=_step("consent"),
        fields=[ask.say.of(lists.fields[name], "") for name in FIELDS],
        purpose=ask.say.of(lists.purposes[PURPOSE], ""),
        product=chosen(read_draft(ask)),
        until=ask.today + timedelta(days=CONSENT_DAYS),
        is_given=_is_consented(ask),
        back="/apply/income",
    )


def give_consent(ask: Ask) -> Response:
    """Record the consent with its receipt, unless a valid one stands already."""
    if not _is_consented(ask):
        if ask.text("agree") != "yes":
            ask.wrong("agree", ask.say("apply.agree_missing"))
            return _consent(ask)
        told = {
            "party_id": ask.party_id,
            "purpose": PURPOSE,
            "fields": FIELDS,
            "until": ask.today + timedelta(days=CONSENT_DAYS),
        }
        ask.act("data.grant_consent", told)
    return _kept(ask, "consent", consent="yes")


def check(ask: Ask) -> Response:
    """Everything once more before it is sent."""
    draft = read_draft(ask)
    missing = _first_open(draft)
    if missing != "check":
        return ask.go(f"/apply/{missing}")
    product = chosen(draft)
    amounts = {
        name: parse_money(plain_amount(draft[name]), product.currency).minor
        for name in ("amount", "income", "debt")
    }
    return ask.page(
        "apply_check.html",
        step=_step("check"),
        draft=draft,
        amounts=amounts,
        product=product,
        term=term_words(
            ask, product, int(draft["months"]), rhythm_of(product, draft.get("rhythm", ""))
        ),
        rhythm=draft.get("rhythm", "") if product.schedule.rhythms else "",
        due_day=due_day_of(product, draft),
        is_consented=_is_consented(ask),
        back="/apply/consent",
    )


def send(ask: Ask) -> Response:
    """Send the application and decide it; the same form sent again finds the same application."""
    application_id = _sent_before(ask)
    if application_id is None:
        draft = read_draft(ask)
        missing = _first_open(draft)
        if missing != "check":
            return ask.go(f"/apply/{missing}")
        if not _is_consented(ask):
            return ask.go("/apply/consent")
        application_id = _apply(ask, draft)
    decide(ask, application_id)
    drop_draft(ask)
    return ask.go(f"/application/{application_id}")


def _sent_before(ask: Ask) -> str | None:
    with ask.node.read() as tx:
        for row in applications_of(tx, ask.party_id):
            if row.channel == CHANNEL and row.source_id == ask.key:
                return str(row.id)
    return None


def _apply(ask: Ask, draft: dict[str, str]) -> str:
    product = chosen(draft)
    money = {
        name: parse_money(draft[name].replace(" ", "").removesuffix("元"), product.currency).minor
        for name in ("amount", "income", "debt")
    }
    stated = Stated(
        yearly_income_minor=money["income"],
        existing_debt_minor=money["debt"],
        overdue_minor=1 if draft["overdue"] == "yes" else 0,
    )
    mapping = study.read_mapping(MAPPING)
    keep_mapping(ask.node.home, mapping, study.mapping_text(MAPPING))
    told = {"party_id": ask.party_id, "purpose": PURPOSE, "fields": FIELDS}
    access = ask.act("data.record_access", told, actor=READER)
    today: date = ask.today
    with ask.node.read() as tx:
        row, _ = read_row(
            ask.node,
            tx,
            access.access_id,
            viewer=READER.name,
            party=own_party(ask, tx),
            wallet_id=wallet_account(ask.party_id, product.currency),
            since=today - timedelta(days=HISTORY_DAYS),
            on=today,
            stated=stated,
        )
    made = ask.act(
        "lending.apply",
        {
            "party_id": ask.party_id,
            "product": product.name,
            "wanted_minor": money["amount"],
            "mapping": mapping.digest,
            "row": {**row, "use": draft["use"]},
            "fields": FIELDS,
            "channel": CHANNEL,
            "source_id": ask.key,
            "term_months": int(draft["months"]),
            "due_day": due_day_of(product, draft),
            "rhythm": draft.get("rhythm", "") if product.schedule.rhythms else "",
        },
    )
    return str(made.application_id)


def decide(ask: Ask, application_id: str) -> None:
    """Decide an application that is open; one that was decided stays as it is.

    Fault: where no model is in force; the application is kept, and can be decided later.
    """
    key = f"web:decide:{application_id}"
    try:
        ask.node.act("lending.decide", {"application_id": application_id}, key=key, actor=ask.actor)
    except Refused as refused:
        if refused.code != "lending.not_open":
            raise
    except Fault as fault:
        if not fault.code.startswith(("lending.", "score.")):
            raise
