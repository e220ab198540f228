"""The window of lending (窗口): what pages and machines read of it beside its door."""

from puhui.lending.desk.page import (
    application_row,
    applications_after,
    applications_of,
    contract_row,
    contracts_for,
    count_by_bucket,
    count_by_day,
    count_by_rate,
    decisions_of,
    list_applications,
    list_contracts,
    list_reviews,
    loan_events,
    review_of,
)
from puhui.lending.desk.read import loans_of
from puhui.lending.desk.shelf import mapping_of, model_of
from puhui.lending.nouns import Decision
from puhui.payment import wallet_account
from puhui.servicing import build_schedule

__all__ = [
    "Decision",
    "application_row",
    "applications_after",
    "applications_of",
    "build_schedule",
    "contract_row",
    "contracts_for",
    "count_by_bucket",
    "count_by_day",
    "count_by_rate",
    "decisions_of",
    "list_applications",
    "list_contracts",
    "list_reviews",
    "loan_events",
    "loans_of",
    "mapping_of",
    "model_of",
    "review_of",
    "wallet_account",
]
