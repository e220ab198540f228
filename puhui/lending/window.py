"""The window of lending (窗口): what pages and machines read of it beside its door."""

from puhui.lending.desk import receipt as receipts
from puhui.lending.desk.guarantee import show as guarantee
from puhui.lending.desk.guard import offer
from puhui.lending.desk.guard.obligation import obligations_of
from puhui.lending.desk.loan import approval, line
from puhui.lending.desk.page import (
    application_row,
    applications_after,
    applications_of,
    changes_of,
    contract_row,
    contracts_for,
    count_by_bucket,
    count_by_day,
    count_by_rate,
    decisions_of,
    list_applications,
    list_changes,
    list_contracts,
    list_reviews,
    review_of,
)
from puhui.lending.desk.read import cooling_off_days, loans_of, plan_of
from puhui.lending.desk.receipt import loan_events
from puhui.lending.desk.shelf import mapping_of, model_of
from puhui.lending.desk.watch import strategy
from puhui.lending.nouns import Decision
from puhui.lending.nouns.obligation import Obligations

__all__ = [
    "Decision",
    "Obligations",
    "application_row",
    "applications_after",
    "applications_of",
    "approval",
    "changes_of",
    "contract_row",
    "contracts_for",
    "cooling_off_days",
    "count_by_bucket",
    "count_by_day",
    "count_by_rate",
    "decisions_of",
    "guarantee",
    "line",
    "list_applications",
    "list_changes",
    "list_contracts",
    "list_reviews",
    "loan_events",
    "loans_of",
    "mapping_of",
    "model_of",
    "obligations_of",
    "offer",
    "plan_of",
    "receipts",
    "review_of",
    "strategy",
]
