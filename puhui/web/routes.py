"""Every address, what answers it, and who may open it."""

from __future__ import annotations

from puhui.web import credit_routes
from puhui.web.ask import Page
from puhui.web.credit_routes import with_files
from puhui.web.desks import case, customer, journal, portfolio, user
from puhui.web.desks import complaint as complaint_desk
from puhui.web.desks import deal as deal_desk
from puhui.web.desks import entry as desk
from puhui.web.desks import exchange as exchange_desk
from puhui.web.desks import payment as payment_desk
from puhui.web.pages import (
    application,
    apply,
    aside,
    code,
    complaint,
    consent,
    entry,
    exchange,
    loan,
    me,
    mine,
    money,
    offline,
    payment,
    remit,
    transfer,
    waiting,
    wallet,
)
from puhui.web.who import Who

_STEPS: tuple[tuple[str, Page, Page], ...] = (
    ("", transfer.who, transfer.give_who),
    ("/amount", transfer.amount, transfer.give_amount),
    ("/when", transfer.when, transfer.give_when),
    ("/check", transfer.check, transfer.send),
)


def _transfers() -> tuple[tuple[str, str, Page, Who], ...]:
    """The steps of each way of moving money, asked and answered."""
    found: list[tuple[str, str, Page, Who]] = []
    for way, steps in transfer.STEPS.items():
        for ending, shown, sent in _STEPS:
            if (ending[1:] or "who") in steps:
                found.append(("GET", f"/{way}{ending}", shown, Who.CUSTOMER))
                found.append(("POST", f"/{way}{ending}", sent, Who.CUSTOMER))
    return tuple(found)


CITIZEN: tuple[tuple[str, str, Page, Who], ...] = (
    *credit_routes.OWN,
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
    ("GET", "/me", me.overview, Who.CUSTOMER),
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
    ("POST", "/loan/{contract_id}/take", loan.take_money, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/void", loan.void, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/contract", loan.text, Who.CUSTOMER),
    ("GET", "/loan/{contract_id}/repay", loan.repay, Who.CUSTOMER),
    ("POST", "/loan/{contract_id}/repay", loan.pay, Who.CUSTOMER),
    ("GET", "/money", money.statement, Who.CUSTOMER),
    ("GET", "/money/find", money.find, Who.CUSTOMER),
    ("GET", "/wallet", wallet.show, Who.CUSTOMER),
    ("GET", "/wallet/tier", wallet.tier, Who.CUSTOMER),
    ("POST", "/wallet/tier", wallet.set_tier, Who.CUSTOMER),
    ("GET", "/wallet/withdraw", wallet.withdraw, Who.CUSTOMER),
    ("POST", "/wallet/withdraw", wallet.take_out, Who.CUSTOMER),
    *_transfers(),
    ("GET", "/payment/{payment_id}", payment.receipt, Who.CUSTOMER),
    ("POST", "/payment/{payment_id}/refund", payment.refund, Who.CUSTOMER),
    ("GET", "/requests", payment.requests, Who.CUSTOMER),
    ("GET", "/request/{request_id}", payment.request, Who.CUSTOMER),
    ("POST", "/request/{request_id}/pay", payment.answer_request, Who.CUSTOMER),
    ("POST", "/request/{request_id}/decline", payment.answer_request, Who.CUSTOMER),
    ("POST", "/request/{request_id}/cancel", payment.answer_request, Who.CUSTOMER),
    ("GET", "/orders", payment.orders, Who.CUSTOMER),
    ("GET", "/order/{order_id}", payment.order, Who.CUSTOMER),
    ("POST", "/order/{order_id}/cancel", payment.cancel_order, Who.CUSTOMER),
    ("GET", "/scan", code.scan, Who.CUSTOMER),
    ("POST", "/scan", code.read_code, Who.CUSTOMER),
    ("GET", "/scan/{digits}", code.merchant, Who.CUSTOMER),
    ("POST", "/scan/{digits}", code.pay, Who.CUSTOMER),
    ("GET", "/receive", code.receive, Who.CUSTOMER),
    ("POST", "/receive", code.make_code, Who.CUSTOMER),
    ("GET", "/receive/collect", code.collect, Who.CUSTOMER),
    ("POST", "/receive/collect", code.take, Who.CUSTOMER),
    ("GET", "/receive/{digits}", code.own_code, Who.CUSTOMER),
    ("POST", "/receive/{digits}/close", code.close_code, Who.CUSTOMER),
    ("GET", "/show", code.show, Who.CUSTOMER),
    ("POST", "/show", code.draw, Who.CUSTOMER),
    ("GET", "/exchange", exchange.show, Who.CUSTOMER),
    ("GET", "/exchange/check", exchange.check, Who.CUSTOMER),
    ("POST", "/exchange/check", exchange.convert, Who.CUSTOMER),
    ("GET", "/exchange/{remittance_id}", exchange.receipt, Who.CUSTOMER),
    ("GET", "/remit", remit.who, Who.CUSTOMER),
    ("POST", "/remit", remit.give_who, Who.CUSTOMER),
    ("GET", "/remit/amount", remit.amount, Who.CUSTOMER),
    ("POST", "/remit/amount", remit.give_amount, Who.CUSTOMER),
    ("GET", "/remit/check", remit.check, Who.CUSTOMER),
    ("POST", "/remit/check", remit.send, Who.CUSTOMER),
    ("GET", "/remit/deal/{deal_id}", remit.deal, Who.CUSTOMER),
    ("GET", "/away", waiting.away, Who.CUSTOMER),
    ("POST", "/away", waiting.pay, Who.CUSTOMER),
    ("GET", "/waiting/{key}", waiting.show, Who.CUSTOMER),
    ("GET", "/aside", aside.show, Who.CUSTOMER),
    ("POST", "/aside", aside.promise, Who.CUSTOMER),
    ("POST", "/aside/{way}/{id}/take", aside.end, Who.CUSTOMER),
    ("POST", "/aside/{way}/{id}/release", aside.end, Who.CUSTOMER),
    ("GET", "/offline", offline.show, Who.CUSTOMER),
    ("GET", "/offline/take", offline.take, Who.CUSTOMER),
    ("POST", "/offline/take", offline.take_out, Who.CUSTOMER),
    ("GET", "/offline/hand-in", offline.hand_in, Who.CUSTOMER),
    ("POST", "/offline/hand-in", offline.sync, Who.CUSTOMER),
    ("POST", "/offline/revoke", offline.revoke, Who.CUSTOMER),
    ("POST", "/offline/aside", offline.move_aside, Who.CUSTOMER),
    ("GET", "/offline/{allowance_id}", offline.allowance, Who.CUSTOMER),
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

STAFF: tuple[tuple[str, str, Page, Who], ...] = (
    *credit_routes.DESKS,
    ("GET", "/desk/login", desk.login, Who.ANYONE),
    ("POST", "/desk/login", desk.try_password, Who.ANYONE),
    ("GET", "/desk/factor", desk.factor, Who.USER),
    ("POST", "/desk/factor", desk.confirm, Who.USER),
    ("GET", "/desk", desk.overview, Who.STAFF),
    ("GET", "/desk/password", desk.password, Who.STAFF),
    ("POST", "/desk/password", desk.change_password, Who.STAFF),
    *with_files("/desk/applications", case.applications, Who.LENDING),
    *with_files("/desk/reviews", case.queue, Who.LENDING),
    ("GET", "/desk/case/{application_id}", case.show, Who.LENDING),
    ("POST", "/desk/case/{application_id}/open", case.open_facts, Who.FACTS),
    ("POST", "/desk/case/{application_id}/propose", case.propose, Who.OFFICER),
    ("POST", "/desk/case/{application_id}/confirm", case.confirm, Who.FACTS),
    ("GET", "/desk/customers", customer.search, Who.LENDING),
    ("POST", "/desk/customers", customer.search, Who.LENDING),
    ("GET", "/desk/customer/{party_id}", customer.show, Who.LENDING),
    ("POST", "/desk/customer/{party_id}/open", customer.open_contact, Who.CONTACT),
    ("POST", "/desk/customer/{party_id}/zone", customer.set_zone, Who.OPERATOR),
    *with_files("/desk/portfolio", portfolio.show, Who.LENDING),
    *with_files("/desk/loans", portfolio.loans, Who.LENDING),
    ("GET", "/desk/products", portfolio.products, Who.LENDING),
    ("GET", "/desk/product/{name}", portfolio.product, Who.LENDING),
    *with_files("/desk/payments", payment_desk.throughput, Who.PAYMENTS),
    *with_files("/desk/refused", payment_desk.refused, Who.PAYMENTS),
    *with_files("/desk/wallets", payment_desk.wallets, Who.PAYMENTS),
    *with_files("/desk/offline", payment_desk.offline, Who.PAYMENTS),
    ("GET", "/desk/codes", payment_desk.codes, Who.OPERATOR),
    ("POST", "/desk/codes", payment_desk.make_code, Who.OPERATOR),
    *with_files("/desk/positions", exchange_desk.positions, Who.PAYMENTS),
    *with_files("/desk/windows", exchange_desk.windows, Who.PAYMENTS),
    ("POST", "/desk/window/{window_id}/close", exchange_desk.close, Who.OPERATOR),
    ("POST", "/desk/settlement", exchange_desk.reserve, Who.OPERATOR),
    ("POST", "/desk/offline", payment_desk.pay_aside_out, Who.OPERATOR),
    ("GET", "/desk/deals", deal_desk.index, Who.PAYMENTS),
    ("GET", "/desk/deal/new", deal_desk.new, Who.OPERATOR),
    ("GET", "/desk/deal/check", deal_desk.check, Who.OPERATOR),
    ("POST", "/desk/deal/check", deal_desk.start, Who.OPERATOR),
    ("GET", "/desk/deal/{deal_id}", deal_desk.show, Who.PAYMENTS),
    ("POST", "/desk/deal/{deal_id}", deal_desk.end, Who.OPERATOR),
    ("POST", "/desk/settlement/{settlement_id}/settle", exchange_desk.end, Who.OPERATOR),
    ("POST", "/desk/settlement/{settlement_id}/abort", exchange_desk.end, Who.OPERATOR),
    *with_files("/desk/complaints", complaint_desk.overview, Who.COMPLAINTS),
    ("GET", "/desk/complaint/{complaint_id}", complaint_desk.show, Who.COMPLAINTS),
    ("POST", "/desk/complaint/{complaint_id}/open", complaint_desk.open_words, Who.COMPLAINTS),
    ("POST", "/desk/complaint/{complaint_id}/answer", complaint_desk.give_answer, Who.COMPLAINTS),
    *with_files("/desk/journal", journal.search, Who.JOURNAL),
    ("GET", "/desk/act/{position}", journal.show, Who.JOURNAL),
    ("POST", "/desk/replay", journal.begin_replay, Who.JOURNAL),
    ("GET", "/desk/replay", journal.show_replay, Who.JOURNAL),
    *with_files("/desk/users", user.overview, Who.USERS),
    ("POST", "/desk/users", user.add, Who.USERS),
    ("GET", "/desk/user/{user_id}", user.show, Who.USERS),
    ("POST", "/desk/user/{user_id}", user.change, Who.USERS),
)

QUICK: frozenset[Page] = frozenset(
    (entry.home, entry.help_page, entry.settings, application.show, me.overview)
)
"""Pages of a few short reads: answered without handing them to another thread."""

APART: frozenset[Page] = frozenset(
    (
        transfer.send,
        code.pay,
        payment.answer_request,
        wallet.take_out,
        waiting.away,
        waiting.pay,
        waiting.show,
    )
)
"""Pages that are answered while the store is not there, for whoever it let in a while ago."""

ROUTES = (*CITIZEN, *STAFF)
"""In the order in which addresses are tried."""
