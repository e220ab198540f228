"""Every address, what answers it, and who may open it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from starlette.responses import Response

from puhui.web.ask import Ask
from puhui.web.pages import application, apply, complaint, consent, entry, loan, mine, money

Page = Callable[[Ask], Response]


class Who(Enum):
    """Who may open a page: its value are the roles of staff that it asks for."""

    ANYONE = frozenset({"visitor"})
    USER = frozenset({"user"})
    CUSTOMER = frozenset({"customer"})
    STAFF = frozenset(
        "loan_officer risk_analyst collector operator administrator auditor compliance_officer "
        "supervisor".split()
    )
    OFFICER = frozenset({"loan_officer"})
    LENDING = frozenset({"loan_officer", "risk_analyst", "operator", "auditor", "supervisor"})
    COMPLAINTS = frozenset({"operator", "loan_officer", "compliance_officer"})
    JOURNAL = frozenset({"auditor"})
    USERS = frozenset({"administrator"})


CITIZEN: tuple[tuple[str, str, Page, Who], ...] = (
    ("GET", "/", entry.home, Who.ANYONE),
    ("GET", "/help", entry.help_page, Who.ANYONE),
    ("GET", "/view", entry.view, Who.ANYONE),
    ("GET", "/settings", entry.settings, Who.ANYONE),
    ("POST", "/settings/close", entry.close_sessions, Who.USER),
    ("GET", "/login", entry.login, Who.ANYONE),
    ("POST", "/login", entry.send_code, Who.ANYONE),
    ("POST", "/login/code", entry.try_code, Who.ANYONE),
    ("POST", "/logout", entry.log_out, Who.ANYONE),
    ("GET", "/register", entry.register, Who.USER),
    ("POST", "/register/name", entry.give_name, Who.USER),
    ("POST", "/register/number", entry.give_number, Who.USER),
    ("GET", "/me", apply.overview, Who.CUSTOMER),
    ("GET", "/apply", apply.start, Who.CUSTOMER),
    ("GET", "/apply/amount", apply.amount, Who.CUSTOMER),
    ("POST", "/apply/amount", apply.give_amount, Who.CUSTOMER),
    ("GET", "/apply/plan", apply.plan, Who.CUSTOMER),
    ("POST", "/apply/plan", apply.give_plan, Who.CUSTOMER),
    ("GET", "/apply/income", apply.income, Who.CUSTOMER),
    ("POST", "/apply/income", apply.give_income, Who.CUSTOMER),
    ("GET", "/apply/consent", apply.consent, Who.CUSTOMER),
    ("POST", "/apply/consent", apply.give_consent, Who.CUSTOMER),
    ("GET", "/apply/check", apply.check, Who.CUSTOMER),
    ("POST", "/apply/check", apply.send, Who.CUSTOMER),
    ("GET", "/application/{application_id}", application.show, Who.CUSTOMER),
    ("POST", "/application/{application_id}/decide", application.decide_now, Who.CUSTOMER),
    ("POST", "/application/{application_id}/review", application.request_review, Who.CUSTOMER),
    ("POST", "/application/{application_id}/withdraw", application.withdraw, Who.CUSTOMER),
    ("GET", "/application/{application_id}/contract", application.contract, Who.CUSTOMER),
    ("POST", "/application/{application_id}/contract", application.sign, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}", loan.show, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/take", loan.take_money, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/void", loan.void, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/contract", loan.text, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/repay", loan.repay, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/repay", loan.pay, Who.CUSTOMER),
    ("GET", "/money", money.statement, Who.CUSTOMER),
    ("GET", "/consents", consent.show, Who.CUSTOMER),
    ("POST", "/consent/{consent_id}/revoke", consent.revoke, Who.CUSTOMER),
    ("GET", "/consent/{consent_id}", consent.receipt, Who.CUSTOMER),
    ("GET", "/complaints", complaint.overview, Who.CUSTOMER),
    ("GET", "/complaints/new", complaint.begin, Who.CUSTOMER),
    ("POST", "/complaints/new", complaint.file, Who.CUSTOMER),
    ("GET", "/complaint/{complaint_id}", complaint.show, Who.CUSTOMER),
    ("POST", "/complaint/{complaint_id}/close", complaint.close, Who.CUSTOMER),
    ("GET", "/mine", mine.overview, Who.CUSTOMER),
    ("POST", "/mine", mine.open_data, Who.CUSTOMER),
    ("POST", "/mine/erase", mine.erase, Who.CUSTOMER),
    ("GET", "/mine/{access_id}", mine.show, Who.CUSTOMER),
    ("GET", "/mine/{access_id}/export", mine.export, Who.CUSTOMER),
    ("GET", "/erased", mine.erased, Who.ANYONE),
)

ROUTES = CITIZEN
"""In the order in which addresses are tried."""
