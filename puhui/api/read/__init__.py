"""Reads: what may be looked at, by whom, and under which address."""

from __future__ import annotations

from functools import lru_cache

from puhui.api import answers, credit_answers, exchange_answers, payment_answers
from puhui.api.caller import STAFF_READERS
from puhui.api.operation import Operation, read_operation
from puhui.api.read.exchange import (
    read_deal,
    read_payee,
    read_prices,
    read_receipt,
    read_standing,
)
from puhui.api.read.guarantee import list_guarantees, read_guarantee
from puhui.api.read.loan import (
    list_applications,
    list_loan_events,
    list_loans,
    quote_pay_off,
    read_application,
    read_contract,
    read_decision,
    read_loan,
    read_portfolio,
    read_schedule,
    read_wallet,
)
from puhui.api.read.offer import list_offers
from puhui.api.read.partner import list_consents, list_events, list_own_endpoints
from puhui.api.read.payment import (
    find_receipt,
    list_allowances,
    list_codes,
    list_holds,
    list_orders,
    list_promises,
    list_requests,
    read_month,
    read_payment,
    read_terms,
)

TOLD = frozenset(("operator", "data_partner", "administrator"))
NODES = frozenset(("operator", "peer"))
CUSTOMERS = STAFF_READERS | {"customer"}

_APPLICATION = "/api/lending/applications/{application_id}"
_LOAN = "/api/lending/loans/{contract_id}"


@lru_cache(maxsize=1)
def read_operations() -> tuple[Operation, ...]:
    """Every read that is open, with who may ask it."""
    a, c, p, e, one = answers, credit_answers, payment_answers, exchange_answers, read_operation
    return (
        one("lending.list_applications", "/api/lending/applications", a.ApplicationsQuery,
            a.ApplicationPage, CUSTOMERS, list_applications),
        one("lending.read_application", _APPLICATION, a.ApplicationQuery, a.ApplicationItem,
            CUSTOMERS, read_application),
        one("lending.read_decision", f"{_APPLICATION}/decision", a.ApplicationQuery,
            a.DecisionAnswer, CUSTOMERS, read_decision),
        one("lending.read_contract", f"{_APPLICATION}/contract", a.ContractQuery,
            a.ContractAnswer, CUSTOMERS, read_contract),
        one("lending.list_loans", "/api/lending/loans", a.PageQuery, a.LoanPage, CUSTOMERS,
            list_loans),
        one("lending.read_loan", _LOAN, a.LoanQuery, a.LoanAnswer, CUSTOMERS, read_loan),
        one("lending.read_schedule", f"{_LOAN}/schedule", a.LoanQuery, a.ScheduleAnswer,
            CUSTOMERS, read_schedule),
        one("lending.list_events", f"{_LOAN}/events", a.LoanQuery, a.LoanEventsAnswer,
            CUSTOMERS, list_loan_events),
        one("payment.find_receipt", "/api/payment/receipts/{receipt}", p.ReceiptQuery,
            p.ReceiptsAnswer, CUSTOMERS, find_receipt),
        one("lending.quote_pay_off", f"{_LOAN}/pay-off", a.PayOffQuery, a.PayOffAnswer,
            CUSTOMERS, quote_pay_off),
        one("lending.read_portfolio", "/api/lending/portfolio", a.NothingQuery,
            a.PortfolioAnswer, STAFF_READERS, read_portfolio),
        one("lending.read_wallet", "/api/lending/wallets/{party_id}", a.WalletQuery,
            a.WalletAnswer, CUSTOMERS, read_wallet),
        one("lending.list_guarantees", "/api/lending/guarantees/of/{party_id}",
            c.GuaranteesQuery, c.GuaranteesAnswer, CUSTOMERS, list_guarantees),
        one("lending.read_guarantee", "/api/lending/guarantees/{ask_id}", c.GuaranteeQuery,
            c.GuaranteeAnswer, CUSTOMERS, read_guarantee),
        one("lending.list_offers", "/api/lending/offers/of/{party_id}", c.OffersQuery,
            c.OffersAnswer, CUSTOMERS, list_offers),
        one("payment.read_terms", "/api/payment/wallets/{party_id}", p.TermsQuery,
            p.TermsAnswer, CUSTOMERS, read_terms),
        one("payment.read_month", "/api/payment/statements/{party_id}", p.MonthQuery,
            p.MonthAnswer, CUSTOMERS, read_month),
        one("payment.read_payment", "/api/payment/payments/{payment_id}", p.PaymentQuery,
            p.PaymentAnswer, CUSTOMERS, read_payment),
        one("payment.list_requests", "/api/payment/requests/{party_id}", p.PartyPageQuery,
            p.RequestsAnswer, CUSTOMERS, list_requests),
        one("payment.list_orders", "/api/payment/orders/{party_id}", p.PartyPageQuery,
            p.OrdersAnswer, CUSTOMERS, list_orders),
        one("payment.list_codes", "/api/payment/codes/{party_id}", p.PartyPageQuery,
            p.CodesAnswer, CUSTOMERS, list_codes),
        one("payment.list_promises", "/api/payment/promises/{party_id}", p.PartyPageQuery,
            p.PromisesAnswer, CUSTOMERS, list_promises),
        one("payment.list_holds", "/api/payment/holds/{party_id}", p.PartyPageQuery,
            p.HoldsAnswer, CUSTOMERS, list_holds),
        one("offline.list_allowances", "/api/offline/allowances/{party_id}", p.PartyPageQuery,
            p.AllowancesAnswer, CUSTOMERS, list_allowances),
        one("exchange.read_receipt", "/api/exchange/receipts/{leg_id}", e.LegQuery,
            e.ReceiptAnswer, NODES, read_receipt),
        one("exchange.read_standing", "/api/exchange/standing", a.NothingQuery,
            e.StandingAnswer, NODES, read_standing),
        one("exchange.read_payee", "/api/exchange/payees/{payee}/{currency}/{amount_minor}",
            e.PayeeQuery, e.PayeeAnswer, NODES, read_payee),
        one("exchange.read_deal", "/api/exchange/deals/{deal_id}", e.DealQuery, e.DealAnswer,
            STAFF_READERS, read_deal),
        one("exchange.read_prices", "/api/exchange/prices", e.PricesQuery, e.PricesAnswer,
            CUSTOMERS | {"provider"}, read_prices),
        one("webhook.list_endpoints", "/api/webhook/endpoints", a.NothingQuery,
            a.EndpointsAnswer, TOLD, list_own_endpoints),
        one("webhook.list_events", "/api/webhook/events", a.EventsQuery, a.EventsAnswer, TOLD,
            list_events),
        one("data.list_consents", "/api/data/consents/{party_id}", a.PartyQuery,
            a.ConsentsAnswer, CUSTOMERS, list_consents),
    )  # fmt: skip
