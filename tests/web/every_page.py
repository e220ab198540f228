"""Every page of the town as it really stands, for whoever wants to look at all of them."""

from __future__ import annotations

import re

from puhui.kernel import Actor
from puhui.lending.window import applications_of, loans_of
from puhui.party import find_parties
from puhui.servicing.window import reliefs_of
from puhui.web.routes import ROUTES
from tests.web.browser import Browser
from tests.web.market import act, furnish, open_shop, party_of
from tests.web.overdue import aged
from tests.web.test_credit import relieve
from tests.web.town import Town

CHANGE = "source=CNY&target=USD&kind=send&amount=1000"
NOT_WALKED = (
    "/view", "/money/find", "/register", "/desk/factor", "/erased", "/away", "/waiting/{key}",
)  # fmt: skip
"""Pages that lead elsewhere as the town stands."""
PARTS = re.compile(r"\{(\w+)\}")
ROLES = ("loan_officer", "risk_analyst", "auditor", "administrator", "operator")


def proposed(town: Town, loan_id: str) -> str:
    """A proposal that waits for a second officer."""
    told = {
        "name": "lending.write_off",
        "told": f'{{"contract_id": "{loan_id}"}}',
        "reason": "lost",
    }
    return str(act(town, "lending.propose_change", told).proposal_id)


def stand_for(town: Town, guarantor_id: str) -> str:
    """Somebody else's loan that the person is asked to stand for; the number of the asking."""
    borrower = town.customer(town.spare)
    town.lend(borrower)
    with town.node.read() as tx:
        (loan,) = loans_of(tx, party_of(town, town.spare.phone))
    told = {
        "contract_id": loan.contract_id,
        "guarantor_id": guarantor_id,
        "share_millionths": 500_000,
    }
    officer = Actor("an officer", frozenset({"loan_officer"}))
    name = "lending.ask_guarantee"
    ask_id = str(town.node.act(name, told, key="stand for", actor=officer).ask_id)
    page = borrower.open(f"/loan/{loan.contract_id}/guarantor")
    borrower.send(page.form("/guarantor/agree"))
    return ask_id


def prepare(town: Town) -> dict[str, tuple[Browser, list[str]]]:
    """Who sees which addresses: each page once, with something on it."""
    citizen = town.customer(town.good)
    town.lend(citizen)
    citizen.send(citizen.open("/complaints/new").form("/new"), subject="other", words="请回电。")
    access = citizen.send(citizen.open("/mine").form("/mine")).url.rpartition("/")[2]
    refused = town.customer(town.bad)
    page = refused.apply(amount="300000", income="1000", debt="900000")
    page = refused.send(page.form("/apply/check"))
    waiting = town.customer(town.other)
    offer = waiting.send(waiting.apply().form("/apply/check"))
    with town.node.read() as tx:
        party_id = find_parties(town.node, tx, phone=town.good.phone)[0].id
        application = applications_of(tx, party_id)[0].id
        (loan,) = loans_of(tx, party_id)
    relieve(citizen, loan.contract_id, choice="pause_60")
    with town.node.read() as tx:
        (asked,) = reliefs_of(tx, loan.contract_id)
    relief = asked.id
    consent = re.search(r"consent-[0-9a-f]+", citizen.open("/consents").text)
    complaint = re.search(r"complaint-[0-9a-f]+", citizen.open("/complaints").text)
    assert consent is not None
    assert complaint is not None
    known = {
        "application_id": application,
        "contract_id": loan.contract_id,
        "consent_id": consent.group(),
        "complaint_id": complaint.group(),
        "access_id": access,
        "party_id": party_id,
        "name": "merchant_310",
        "position": "7",
        "loan_id": loan.contract_id,
        "relief_id": relief,
        "ask_id": stand_for(town, party_id),
        "proposal_id": proposed(town, loan.contract_id),
        **furnish(town, citizen, town.good.phone, town.other.phone),
    }
    shop = open_shop(town, party_of(town, town.other.phone))
    desks = {role: town.staff(role) for role in ROLES}
    users = desks["administrator"].open("/desk/users")
    known["user_id"] = users.link("/desk/user/").rpartition("/")[2]
    paths = [
        PARTS.sub(lambda match: known[match.group(1)], path)
        for method, path, _, _ in ROUTES
        if method == "GET" and path not in NOT_WALKED
        and not path.endswith(("/export", ".csv", ".json"))
    ]  # fmt: skip
    own = [path for path in paths if not path.startswith("/desk")]
    found = {"visitor": (town.browser(), ["/", "/help", "/settings", "/login", "/desk/login"])}
    more = [f"/scan/{shop}", f"/scan/{shop}?amount=12.50", f"/exchange?{CHANGE}"]
    offer_path = citizen.open(more[-1]).link("/exchange/check")
    found["citizen"] = (
        citizen,
        [p for p in own if p not in ("/login", "/apply", "/exchange/check")] + [*more, offer_path],
    )
    found["refused"] = (refused, [page.url.removeprefix("http://testserver")])
    at = offer.url.removeprefix("http://testserver")
    found["offered"] = (waiting, [at, f"{at}/contract"])
    for role, desk in desks.items():
        mine = [path for path in paths if path.startswith("/desk") and path != "/desk/login"]
        found[role] = (desk, [path for path in mine if desk.ask(path).status == 200])
    return found


OLD = ("", "/arrears", "/collections", "/loans", "/classes", "/provisions", "/rolls", "/vintages",
       "/cut-off", "/fairness", "/drift", "/portfolio", "/reliefs", "/limits")  # fmt: skip
"""Desks that say something else once months were closed."""


def prepare_aged(town: Town) -> dict[str, tuple[Browser, list[str]]]:
    """The same three months later, with a loan that nobody pays: pages that say more by then.

    The town is another afterwards: sessions have ended, and so have offers.
    """
    loan = aged(town, town.late, town.prompt)
    debtor, again = town.browser(), town.browser()
    for browser, person in ((debtor, town.late), (again, town.prompt)):
        browser.log_in(person.phone)
        browser.send(browser.apply().form("/apply/check"))
    desks = {role: town.staff(role) for role in ("risk_analyst", "loan_officer")}
    measure(desks["risk_analyst"])
    officer = desks["loan_officer"]
    officer.send(officer.open(f"/desk/loan/{loan}").form("/take"))
    own = ["/me", "/credit", "/credit/limits", f"/loan/{loan}", f"/loan/{loan}/repay"]
    found = {"debtor": (debtor, [*own, f"/loan/{loan}/payoff", f"/loan/{loan}/relief"])}
    for role, desk in desks.items():
        paths = [f"/desk{one}" for one in OLD] + [f"/desk/loan/{loan}"]
        found[role] = (desk, [path for path in paths if desk.ask(path).status == 200])
    return found


def measure(analyst: Browser) -> None:
    """An audit of the model in force and a measurement of its drift, from their pages."""
    page = analyst.open("/desk/fairness")
    days = {"since": "2026-03-01", "until": "2026-06-30"}
    assert analyst.send(page.form("/desk/fairness"), **days).status == 200
    days |= {"before_since": "2026-03-01", "before_until": "2026-03-31", "since": "2026-06-01"}
    page = analyst.open("/desk/drift")
    done = analyst.send(page.form("/desk/drift"), **days)
    assert done.status == 200, re.findall(r"error[^<]*<", done.text)
