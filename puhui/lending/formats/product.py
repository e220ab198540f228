"""Products and law as TOML: read strictly into frozen nouns."""

from __future__ import annotations

from decimal import Decimal

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, Rounding
from puhui.lending.formats.schedule import (
    check_schedule,
    read_allocation,
    read_fees,
    read_schedule,
)
from puhui.lending.formats.sheet import Sheet, open_sheet
from puhui.lending.nouns import (
    CutOff,
    DayCount,
    Direction,
    Early,
    GuaranteeTerms,
    GuardSetting,
    JointShare,
    Law,
    LegalCap,
    Method,
    OnFail,
    Overpayment,
    Pricing,
    Product,
    Servicing,
    Shift,
    Sizing,
)

GUARD_VALUES: dict[str, tuple[tuple[str, str], ...]] = {
    "identity": (),
    "consent": (),
    "age": (("years_min", "year"), ("years_max", "year")),
    "overdue": (("days_max", "day"), ("amount_max", "money")),
    "debt_to_income": (("multiple_max", "multiple of yearly income"),),
    "exposure": (("amount_max", "money"),),
    "duplicate": (("open_max", "application"),),
}
"""The values of each guard and their units; "money" is major units of the product's currency."""


def parse_product(text: str) -> Product:
    """Read a product file. Refused: ``lending.bad_product`` with the place of the fault.

    Amounts in the file are major units (yuan, dollars); shares are 0..1; every figure has unit,
    first day and source.
    """
    sheet, digest = open_sheet(text, "lending.bad_product")
    currency = sheet.text("currency")
    if currency not in DIGITS:
        raise sheet.refuse("currency", "is not a known currency")
    title, lender, complaints = (sheet.sheet(key) for key in ("title", "lender", "complaints"))
    amount, term, method = (sheet.sheet(key) for key in ("amount", "term", "method"))
    offered = method.sheet("offered")
    counts = tuple(
        (kind, offered.choice(kind.value, DayCount)) for kind in Method if offered.has(kind.value)
    )
    product = Product(
        name=sheet.text("name"),
        version=sheet.day("version").isoformat(),
        title_zh=title.text("zh"),
        title_en=title.text("en"),
        currency=currency,
        lender_zh=lender.text("zh"),
        lender_en=lender.text("en"),
        complaints_zh=complaints.text("zh"),
        complaints_en=complaints.text("en"),
        legal_regime=sheet.text("legal_regime"),
        smallest_minor=_money(amount, "smallest", currency),
        largest_minor=_money(amount, "largest", currency),
        step_minor=_money(amount, "step", currency),
        stated_amount_minor=_money(amount, "stated", currency) if amount.has("stated") else None,
        terms_months=term.wholes("months", "month", 1, 480),
        default_term_months=term.whole("default_months", "month", 1, 480),
        default_method=method.choice("default", Method),
        day_counts=counts,
        pricing=_pricing(sheet.sheet("pricing")),
        cut_off=_cut_off(sheet.sheet("cut_off")),
        sizing=_sizing(sheet.sheet("sizing")),
        servicing=_servicing(sheet.sheet("servicing")),
        guards=_guards(sheet.sheet("guards"), currency),
        joint=_joint(sheet),
        guarantees=_guarantees(sheet),
        schedule=read_schedule(sheet, currency),
        fees=read_fees(sheet, currency),
        sources=tuple(sheet.sources),
        digest=digest,
    )
    for part in (title, lender, complaints, amount, term, method, offered, sheet):
        part.finish()
    _check(product, sheet)
    check_schedule(product, sheet)
    return product


def _money(sheet: Sheet, key: str, currency: str) -> int:
    """An amount in major units as whole minor units, above nought or nought."""
    scaled = sheet.number(key, currency).scaleb(DIGITS[currency])
    if scaled != int(scaled):
        raise sheet.refuse(key, f"has more decimals than {currency} allows")
    return int(scaled)


def _pricing(sheet: Sheet) -> Pricing:
    yearly = "share per year"
    pricing = Pricing(
        cost_of_funds=sheet.share("cost_of_funds", yearly),
        operating_cost=sheet.share("operating_cost", yearly),
        margin=sheet.share("margin", yearly),
        lgd=sheet.share("lgd"),
        pd_horizon_months=sheet.whole("pd_horizon", "month", 1, 480),
        rate_step=sheet.share("rate_step", yearly),
        rate_min=sheet.share("rate_min", yearly),
        rate_max=sheet.share("rate_max", yearly),
        upfront_fee_share=sheet.share("upfront_fee", "share of amount"),
        default_time_share=sheet.share("default_time", "share of term"),
        apr_max=sheet.share("apr_max", yearly) if sheet.has("apr_max") else None,
    )
    if not pricing.rate_step or pricing.rate_min > pricing.rate_max:
        raise sheet.refuse("rate_min", "the rates do not fit together")
    sheet.finish()
    return pricing


def _cut_off(sheet: Sheet) -> CutOff:
    cut_off = CutOff(sheet.share("pd_max"), sheet.share("review", "share of pd_max"))
    sheet.finish()
    return cut_off


def _sizing(sheet: Sheet) -> Sizing:
    income = inflow = None
    shares: tuple[tuple[int, Decimal], ...] = ()
    if sheet.has("income_multiple"):
        income = sheet.number("income_multiple", "multiple of yearly income", "0", "100")
    if sheet.has("inflow_multiple"):
        inflow = sheet.number("inflow_multiple", "multiple of monthly inflow", "0", "100")
    if sheet.has("score_shares"):
        pairs = sheet.pairs("score_shares", "score and share of largest amount")
        shares = tuple((int(score), share) for score, share in pairs)
        if [pair[0] for pair in shares] != sorted({pair[0] for pair in shares}, reverse=True):
            raise sheet.refuse("score_shares", "must begin with the highest score")
        if any(share > 1 for _, share in shares):
            raise sheet.refuse("score_shares", "a share lies between 0 and 1")
    sheet.finish()
    return Sizing(income, inflow, shares)


def _servicing(sheet: Sheet) -> Servicing:
    servicing = Servicing(
        rounding=sheet.choice("rounding", Rounding),
        grace_days=sheet.whole("grace", "day", 0, 60),
        penalty_multiplier=sheet.number("penalty_multiplier", "multiple of annual rate", "0", "3"),
        penalty_year_days=sheet.whole("penalty_year", "day", 360, 366),
        allocation=read_allocation(sheet),
        direction=sheet.choice("direction", Direction),
        overpayment=sheet.choice("overpayment", Overpayment),
        shifts_due_days=sheet.flag("shifts_due_days"),
        cooling_off_days=sheet.whole("cooling_off", "day", 0, 60),
        penalty_on_interest=sheet.has("penalty_on_interest") and sheet.flag("penalty_on_interest"),
        early=sheet.choice("early", Early) if sheet.has("early") else Early.REDUCE_INSTALMENT,
        is_revolving=sheet.has("revolving") and sheet.flag("revolving"),
        over_applied_share=_over_applied(sheet),
        shift=sheet.choice("shift", Shift) if sheet.has("shift") else Shift.NEXT,
    )
    if servicing.rounding not in (Rounding.HALF_UP, Rounding.HALF_EVEN):
        raise sheet.refuse("rounding", "must be half_up or half_even")
    sheet.finish()
    return servicing


def _over_applied(sheet: Sheet) -> Decimal:
    if not sheet.has("over_applied"):
        return Decimal(0)
    return sheet.share("over_applied", "share of amount")


def _joint(sheet: Sheet) -> tuple[JointShare, ...]:
    """Lenders who take part in each loan; together less than all of it."""
    found = []
    for entry in sheet.sheets("joint") if sheet.has("joint") else []:
        found.append(JointShare(entry.text("partner"), entry.share("share", "share of principal")))
        entry.finish()
    if any(not one.share for one in found) or sum(one.share for one in found) >= 1:
        raise sheet.refuse("joint", "shares must be above nought and leave one for the lender")
    return tuple(found)


def _guarantees(sheet: Sheet) -> tuple[GuaranteeTerms, ...]:
    """Guarantors of each loan; together at most for all of it."""
    found = []
    for entry in sheet.sheets("guarantee") if sheet.has("guarantee") else []:
        found.append(
            GuaranteeTerms(
                entry.text("partner"),
                entry.share("share", "share of what is owed"),
                entry.share("premium", "share of amount"),
                entry.whole("call_after", "day past due", 1, 365),
            )
        )
        entry.finish()
    if any(not one.share for one in found) or sum(one.share for one in found) > 1:
        raise sheet.refuse("guarantee", "shares must be above nought and at most the whole")
    return tuple(found)


def _guards(sheet: Sheet, currency: str) -> tuple[GuardSetting, ...]:
    settings = []
    for code in sheet.names():
        if code not in GUARD_VALUES:
            raise sheet.refuse(code, "is not a guard")
        guard = sheet.sheet(code)
        on_fail = guard.choice("on_fail", OnFail)
        values = []
        for name, unit in GUARD_VALUES[code]:
            if unit == "money":
                values.append((name, Decimal(_money(guard, name, currency))))
            else:
                values.append((name, guard.number(name, unit)))
        guard.finish()
        settings.append(GuardSetting(code, on_fail, tuple(values)))
    return tuple(settings)


def _check(product: Product, sheet: Sheet) -> None:
    """What must hold between figures."""
    if not 0 < product.smallest_minor <= product.largest_minor:
        raise sheet.refuse("amount", "the smallest amount must be above nought, not the largest")
    if not product.step_minor or product.largest_minor % product.step_minor:
        raise sheet.refuse("amount.step", "must divide the largest amount")
    if product.default_term_months not in product.terms_months:
        raise sheet.refuse("term.default_months", "must be one of the terms")
    if product.day_count(product.default_method) is None:
        raise sheet.refuse("method.default", "must be offered")
    if product.day_count(Method.DRAW_AT_WILL) is DayCount.THIRTY_360:
        raise sheet.refuse("method.offered.draw_at_will", "interest by the day needs actual days")
    if "consent" not in [guard.code for guard in product.guards]:
        raise sheet.refuse("guards.consent", "cannot be left out")


def parse_law(text: str) -> Law:
    """Read the dated figures of the law. Refused: ``lending.bad_law`` with the place of the fault.

    A cap is a figure of its own, or a multiple of a reference rate that has its own dates: then it
    has one entry for each of these from its own first day on.
    """
    sheet, digest = open_sheet(text, "lending.bad_law")
    references = {entry.text("name"): entry.sheets("rates") for entry in sheet.sheets("reference")}
    caps: list[LegalCap] = []
    for entry in sheet.sheets("cap"):
        regime = entry.text("regime")
        if entry.has("rate_max"):
            rate = entry.share("rate_max", "share per year")
            sourced = sheet.sources[-1]
            caps.append(
                LegalCap(regime, rate, sourced.from_on, sourced.source, sourced.is_confirmed)
            )
        else:
            name = entry.text("reference")
            multiple = entry.number("multiple", "multiple of reference rate", "0", "10")
            sourced = sheet.sources[-1]
            if name not in references:
                raise entry.refuse("reference", "is not known")
            for rate_sheet in references[name]:
                rate = rate_sheet.share("rate", "share per year")
                dated = sheet.sources[-1]
                caps.append(
                    LegalCap(
                        regime,
                        rate * multiple,
                        max(dated.from_on, sourced.from_on),
                        f"{sourced.source}; {dated.source}",
                        sourced.is_confirmed and dated.is_confirmed,
                    )
                )
                rate_sheet.finish()
        entry.finish()
    sheet.finish()
    if not caps:
        raise Refused("lending.bad_law", "there is no cap")
    return Law(tuple(caps), digest)
