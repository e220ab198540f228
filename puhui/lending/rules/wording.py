"""Wording 条款文字: a plan in the words of a contract, Chinese and English."""

from __future__ import annotations

from puhui.kernel.money import Money
from puhui.lending.nouns import (
    Early,
    Frequency,
    Interest,
    Method,
    Plan,
    Shift,
)

Words = dict[str, str]
METHOD_NAMES = {
    "zh": {
        Method.EQUAL_INSTALMENT: "等额本息",
        Method.EQUAL_PRINCIPAL: "等额本金",
        Method.INTEREST_FIRST: "先息后本",
        Method.DRAW_AT_WILL: "随借随还，按日计息",
    },
    "en": {
        Method.EQUAL_INSTALMENT: "equal instalments",
        Method.EQUAL_PRINCIPAL: "equal principal",
        Method.INTEREST_FIRST: "interest first, principal at the end",
        Method.DRAW_AT_WILL: "draw and repay at will, interest by the day",
    },
}
BULLET = {"zh": "到期一次还本付息", "en": "principal and interest at the end, all at once"}
EVERY = {
    "zh": {
        Frequency.DAYS: "每 {n} 天一期",
        Frequency.WEEKS: "每 {n} 周一期",
        Frequency.MONTHS: "每 {n} 个月一期",
    },
    "en": {
        Frequency.DAYS: "one instalment every {n} days",
        Frequency.WEEKS: "one instalment every {n} weeks",
        Frequency.MONTHS: "one instalment every {n} months",
    },
}
ONE = {
    Frequency.DAYS: "one instalment a day",
    Frequency.WEEKS: "one instalment a week",
    Frequency.MONTHS: "one instalment a month",
}
TERMS = {
    "zh": {
        "flat": "利息每期按借款本金全额计算，不随还款减少",
        "first": "前 {n} 期不还款，利息随第一期一并支付",
        "grace": "前 {n} 期只还息不还本",
        "free": "前 {n} 期免息",
        "fixed": "每期固定还 {amount}，最后一期还清余额",
        "balloon": "{amount} 本金留到最后一期归还",
        "down": "放款当天先付首付 {share}",
        "fee": "每期费用 {amount}",
        "drawings": "可以分次提款，每次提款后重新排定还款计划",
        "roll": "当月没有对应日的，顺延到下月 1 日",
        "variable": "各期还款金额不同，以还款计划表为准，最后一期还清余额",
        "multiple": "每期金额取 {amount} 的整数倍，最后一期还清余额",
        "due_day": "每月 {n} 日还款",
    },
    "en": {
        "flat": "interest is counted on the whole amount lent in every period, whatever is repaid",
        "first": "nothing is paid in the first {n} periods, their interest comes with the first "
        "instalment",
        "grace": "the first {n} instalments are interest only",
        "free": "the first {n} instalments bear no interest",
        "fixed": "every instalment is {amount}, the last one takes what is left",
        "balloon": "{amount} of principal is kept for the last instalment",
        "down": "a down payment of {share} falls due on the day of the money",
        "fee": "a fee of {amount} with every instalment",
        "drawings": "the money may be taken in several drawings, each lays the plan out anew",
        "roll": "in a month without that day it falls due on the first of the next",
        "variable": "instalments differ, as the schedule shows; the last one takes what is left",
        "multiple": "every instalment is a multiple of {amount}, the last one takes what is left",
        "due_day": "instalments fall due on day {n} of the month",
    },
}
SHIFTS = {
    "zh": {
        Shift.NEXT: "到期日遇法定休息日顺延到下一个工作日",
        Shift.PREVIOUS: "到期日遇法定休息日提前到上一个工作日",
        Shift.MODIFIED_NEXT: "到期日遇法定休息日顺延到下一个工作日，跨月的提前到上一个工作日",
    },
    "en": {
        Shift.NEXT: "a due day on which banks are closed moves to the next working day",
        Shift.PREVIOUS: "a due day on which banks are closed moves to the working day before",
        Shift.MODIFIED_NEXT: "a due day on which banks are closed moves to the next working day, or"
        " to the one before where that lies in another month",
    },
}
UNPUBLISHED = {
    "zh": "（部分年份的放假安排尚未公布，这些到期日只避开了周末，公布后可能再调整）",
    "en": " (the holidays of some of these years are not published yet: those days keep clear of"
    " weekends only)",
}
EARLY = {
    "zh": {
        Early.REDUCE_INSTALMENT: "部分提前还款后，剩余各期到期日不变，每期金额减少。",
        Early.REDUCE_COUNT: "部分提前还款后，每期金额不变，期数减少。",
        Early.NEXT_REPAYMENT: "部分提前还款后，先抵最近几期的本金，其余各期不变。",
    },
    "en": {
        Early.REDUCE_INSTALMENT: "After a part is repaid early the due days stay and the "
        "instalments become smaller.",
        Early.REDUCE_COUNT: "After a part is repaid early the instalments stay as they are and "
        "become fewer.",
        Early.NEXT_REPAYMENT: "What is repaid early counts towards the principal of the next "
        "instalments; later ones stay as they are.",
    },
}
TO_THE_DAY = {
    "zh": "借款人可以在任何一天提前归还全部或部分本金，利息只算到还款当天，不收违约金或手续费。",
    "en": "You may repay all or part of the principal on any day. Interest is charged to that day "
    "only, and nothing is charged for repaying early. ",
}
FLAT_EARLY = {
    "zh": "借款人可以在任何一天提前还款，不收违约金或手续费；但约定的利息按全期收取，"
    "提前还款不减少利息。提前还的钱按顺序抵最近几期。",
    "en": "You may repay on any day, and nothing is charged for that; but the interest agreed on "
    "is owed whole, also when you repay early. What you repay early counts towards the next "
    "instalments in turn.",
}
LATE_FEE = {
    "zh": "逾期超过 {days} 天的每一期，另收一次逾期费 {amount}。",
    "en": " For each instalment that is later than {days} days a fee of {amount} is charged once.",
}
COOLING = {
    "zh": "放款后 {days} 天内，借款人可以无理由退回全部本金并结束本合同，"
    "只需支付实际使用天数的利息。",
    "en": "Within {days} days after the money was paid out you may return the whole principal and "
    "end this contract without giving a reason; you pay interest only for the days you had the "
    "money.",
}
NO_COOLING = {
    "zh": "本产品没有冷静期。",
    "en": "This product has no cooling-off time.",
}


def method_words(
    plan: Plan,
    language: str,
    *,
    fee_minor: int,
    has_drawings: bool = False,
    is_published: bool = True,
) -> str:
    """How a loan is repaid: its method, and whatever its plan asks for beside it.

    ``fee_minor`` is the fee of each instalment in minor units.
    """
    told = TERMS[language]
    is_bullet = plan.method is Method.INTEREST_FIRST and plan.count == 1
    found = [BULLET[language] if is_bullet else METHOD_NAMES[language][plan.method]]
    if not is_bullet and (plan.every != 1 or plan.frequency is not Frequency.MONTHS):
        one = ONE[plan.frequency] if language == "en" and plan.every == 1 else ""
        found.append(one or EVERY[language][plan.frequency].format(n=plan.every))
    amounts = {
        "fixed": plan.fixed_minor,
        "multiple": 0 if plan.multiple_minor == 1 else plan.multiple_minor,
        "balloon": plan.balloon_minor,
        "fee": fee_minor,
    }
    counts = {
        "flat": plan.interest is Interest.FLAT,
        "first": plan.first_periods - 1,
        "grace": plan.grace_principal,
        "free": plan.interest_free,
        "variable": len(plan.variable_minor),
        "due_day": plan.anchor_day or 0,
        "drawings": has_drawings,
        "roll": not plan.clamps_month_end,
    }
    found += [told[key].format(n=count) for key, count in counts.items() if count]
    found += [
        told[key].format(amount=Money(minor, plan.currency))
        for key, minor in amounts.items()
        if minor
    ]
    if plan.down_payment_share:
        found.append(told["down"].format(share=f"{(plan.down_payment_share * 100).normalize():f}%"))
    if plan.shifts_due_days:
        found.append(SHIFTS[language][plan.shift])
    text = ("；" if language == "zh" else "; ").join(found)
    return text if is_published else text + UNPUBLISHED[language]


def early_words(plan: Plan, language: str) -> str:
    """What comes of repaying early."""
    if plan.interest is Interest.FLAT:
        return FLAT_EARLY[language]
    return TO_THE_DAY[language] + EARLY[language][plan.early]


def late_fee_words(plan: Plan, language: str) -> str:
    """The fee for being late; empty where there is none."""
    if not plan.late_fee_minor:
        return ""
    amount = Money(plan.late_fee_minor, plan.currency)
    return LATE_FEE[language].format(days=plan.grace_days, amount=amount)


def cooling_words(days: int, language: str) -> str:
    """For how long the loan may be given back."""
    return COOLING[language].format(days=days) if days else NO_COOLING[language]
