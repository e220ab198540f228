"""The row of an applicant: signals and guard columns as the texts that a mapping reads."""

from __future__ import annotations

from collections.abc import Mapping

GUARD_COLUMNS = (
    "age",
    "yearly_income",
    "existing_debt",
    "overdue_amount",
    "overdue_days",
    "monthly_inflow",
)
"""Columns read by guards and for the credit limit, never by a score; amounts in yuan."""

SIGNIFICANT_DIGITS = 9


def number_text(value: float) -> str:
    """A number with nine significant digits; nothing where it is not a number."""
    return "" if value != value else f"{value:.{SIGNIFICANT_DIGITS}g}"


def yuan_text(amount_minor: int | None) -> str:
    """Fen as yuan with two decimals; nothing where the amount is not known."""
    if amount_minor is None:
        return ""
    yuan, fen = divmod(abs(amount_minor), 100)
    return f"{'-' if amount_minor < 0 else ''}{yuan}.{fen:02d}"


def row_of(
    signals: Mapping[str, float],
    *,
    age_years: int | None,
    yearly_income_minor: int | None,
    existing_debt_minor: int | None,
    overdue_minor: int | None,
    overdue_days: int | None,
) -> dict[str, str]:
    """All columns of one applicant; amounts given in fen. A firm has no age."""
    return {
        **{name: number_text(value) for name, value in signals.items()},
        "age": "" if age_years is None else str(age_years),
        "yearly_income": yuan_text(yearly_income_minor),
        "existing_debt": yuan_text(existing_debt_minor),
        "overdue_amount": yuan_text(overdue_minor),
        "overdue_days": "" if overdue_days is None else str(overdue_days),
        "monthly_inflow": yuan_text(monthly_inflow_minor(signals)),
    }


def monthly_inflow_minor(signals: Mapping[str, float]) -> int | None:
    """Mean money in over thirty days, in fen; None without flows."""
    daily_yuan = signals["daily_inflow"]
    return None if daily_yuan != daily_yuan else round(daily_yuan * 30 * 100)
