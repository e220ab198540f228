"""Addresses of credit in use: a customer's loans and debts, and the desks of what is overdue."""

from __future__ import annotations

from puhui.web.ask import Page
from puhui.web.desks import (
    arrears,
    collect,
    credit_limits,
    debt,
    drift,
    fairness,
    offer,
    partner,
    proposal,
    risk,
    roll,
    security,
    strategy,
)
from puhui.web.desks import loan as loan_desk
from puhui.web.desks import relief as relief_desk
from puhui.web.export import ENDINGS
from puhui.web.pages import credit, ending, guarantee, loan, relief
from puhui.web.pages import credit_limits as own_limits
from puhui.web.pages import offer as own_offer
from puhui.web.who import Who

Route = tuple[str, str, Page, Who]


def with_files(path: str, page: Page, who: Who) -> tuple[Route, ...]:
    """A page with a table, and the table as a file at the same address with an ending."""
    files = [("GET", f"{path}.{one}", page, who) for one in ENDINGS]
    return (*files, ("GET", path, page, who))


OWN: tuple[Route, ...] = (
    *with_files("/loan/{contract_id}", loan.show, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/payoff", ending.pay_off, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/return", ending.give_back, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/return", ending.send_back, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/relief", relief.show, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/relief", relief.ask_for, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/relief/withdraw", relief.withdraw, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/draw", loan.draw, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/close", loan.close, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/guarantor", guarantee.begin, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/guarantor", guarantee.ask_somebody, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/guarantor/agree", guarantee.agree, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/guarantor/hide", guarantee.hide, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/guarantor/withdraw", guarantee.withdraw, Who.CUSTOMER),
    ("GET", "/guarantees", guarantee.overview, Who.CUSTOMER),
    ("GET", "/guarantee/{ask_id}", guarantee.show, Who.CUSTOMER),
    ("POST", "/guarantee/{ask_id}", guarantee.sign, Who.CUSTOMER),
    ("POST", "/guarantee/{ask_id}/decline", guarantee.decline, Who.CUSTOMER),
    ("GET", "/credit/offers", own_offer.show, Who.CUSTOMER),
    ("POST", "/credit/offers", own_offer.answer, Who.CUSTOMER),
    ("POST", "/credit/offers/choose", own_offer.choose, Who.CUSTOMER),
    *with_files("/credit/limits", own_limits.show, Who.CUSTOMER),
    *with_files("/credit", credit.show, Who.CUSTOMER),
    ("POST", "/credit/lower", credit.lower, Who.CUSTOMER),
    ("POST", "/credit/rise", credit.answer, Who.CUSTOMER),
    ("POST", "/credit/raise", credit.higher, Who.CUSTOMER),
)

DESKS: tuple[Route, ...] = (
    *with_files("/desk/arrears", arrears.show, Who.BOOK),
    *with_files("/desk/collections", collect.show, Who.BOOK),
    *with_files("/desk/loan/{loan_id}", loan_desk.show, Who.BOOK),
    ("POST", "/desk/loan/{loan_id}/take", loan_desk.take, Who.COLLECTING),
    ("POST", "/desk/loan/{loan_id}/finish", loan_desk.finish, Who.COLLECTING),
    ("POST", "/desk/loan/{loan_id}/contact", loan_desk.record_contact, Who.COLLECTING),
    ("POST", "/desk/loan/{loan_id}/promise", loan_desk.record_promise, Who.COLLECTING),
    ("POST", "/desk/loan/{loan_id}/change", loan_desk.change, Who.FACTS),
    ("POST", "/desk/loan/{loan_id}/security", security.secure, Who.CONTACT_RISK),
    ("POST", "/desk/loan/{loan_id}/notice", loan_desk.notice, Who.FACTS),
    *with_files("/desk/proposals", proposal.overview, Who.LENDING),
    ("GET", "/desk/proposal/{proposal_id}", proposal.show, Who.LENDING),
    ("POST", "/desk/proposal/{proposal_id}", proposal.decide, Who.CONTACT_RISK),
    *with_files("/desk/limits", credit_limits.show, Who.LENDING),
    *with_files("/desk/reliefs", relief_desk.overview, Who.BOOK),
    ("GET", "/desk/relief/{relief_id}", relief_desk.show, Who.BOOK),
    ("POST", "/desk/relief/{relief_id}", relief_desk.decide, Who.FACTS),
    ("POST", "/desk/relief/{relief_id}/open", relief_desk.open_reason, Who.FACTS),
    *with_files("/desk/classes", risk.classes, Who.LENDING),
    *with_files("/desk/provisions", risk.provisions, Who.LENDING),
    *with_files("/desk/rolls", roll.rolls, Who.LENDING),
    *with_files("/desk/vintages", roll.vintage, Who.LENDING),
    *with_files("/desk/customer/{party_id}/debts", debt.show, Who.LENDING),
    ("POST", "/desk/customer/{party_id}/debts", debt.record, Who.CONTACT),
    ("POST", "/desk/customer/{party_id}/debts/open", debt.open_debts, Who.OFFICER),
    ("POST", "/desk/customer/{party_id}/debts/close", debt.close, Who.CONTACT),
    *with_files("/desk/customer/{party_id}/offers", offer.show, Who.LENDING),
    ("POST", "/desk/customer/{party_id}/offers", offer.make, Who.OPERATOR),
    *with_files("/desk/partners", partner.show, Who.LENDING),
    ("POST", "/desk/partners", partner.register, Who.OPERATOR),
    ("POST", "/desk/partners/pay", partner.pay_out, Who.OPERATOR),
    *with_files("/desk/cut-off", strategy.show, Who.RISK),
    *with_files("/desk/fairness", fairness.show, Who.RISK),
    ("POST", "/desk/fairness", fairness.audit_now, Who.AUDIT),
    *with_files("/desk/drift", drift.show, Who.RISK),
    ("POST", "/desk/drift", drift.measure, Who.WATCH),
)
