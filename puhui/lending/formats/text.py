"""Reason texts as TOML and contract templates as plain text with {fields}."""

from __future__ import annotations

from string import Formatter

from puhui.kernel.errors import Refused
from puhui.lending.formats.sheet import open_sheet
from puhui.lending.nouns import ReasonBook, ReasonText

CONTRACT_FIELDS = frozenset(
    "contract_id number lender lender_id borrower_id wallet_id wallet_number product version "
    "signed_on amount currency rate term_months method total_interest fee total_cost apr "
    "total_repaid count first_due schedule columns penalty_multiplier penalty_rate grace_days "
    "early late_fee cooling_off complaints digest".split()
)
"""Every field that a template may name and must be filled."""


def parse_reasons(text: str) -> ReasonBook:
    """Read the reason texts: each code with title, reason and change in Chinese and English.

    Refused: ``lending.bad_texts``.
    """
    sheet, _ = open_sheet(text, "lending.bad_texts")
    review = sheet.sheet("review")
    review_zh, review_en = review.text("zh"), review.text("en")
    review.finish()
    reasons = sheet.sheet("reason")
    texts = []
    for code in reasons.names():
        entry = reasons.sheet(code)
        texts.append(
            ReasonText(
                code,
                entry.text("title_zh"),
                entry.text("title_en"),
                entry.text("reason_zh"),
                entry.text("reason_en"),
                entry.text("change_zh"),
                entry.text("change_en"),
            )
        )
        entry.finish()
    sheet.finish()
    return ReasonBook(tuple(texts), review_zh, review_en)


def check_template(text: str) -> str:
    """A contract template that names only known fields, shows the cost before the consent.

    Total cost and apr must be there and stand before the last heading, which is the consent.
    Refused: ``lending.bad_texts``.
    """
    try:
        named = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
    except ValueError as error:
        raise Refused("lending.bad_texts", f"The template cannot be read: {error}") from None
    for field in named:
        if field not in CONTRACT_FIELDS:
            raise Refused("lending.bad_texts", f"The template names {field}, which is not known.")
    for field in ("total_cost", "apr", "rate", "schedule", "complaints", "cooling_off"):
        if field not in named:
            raise Refused("lending.bad_texts", f"The template does not show {field}.")
    if max(text.find("{total_cost}"), text.find("{apr}")) > text.find("{schedule}"):
        raise Refused("lending.bad_texts", "Total cost and apr must stand before the schedule.")
    return text
