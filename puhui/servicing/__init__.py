"""Servicing (贷后): schedules, interest, repayments; a loan is recomputed from its events."""

from puhui.servicing import nouns as noun
from puhui.servicing.arrays import schedule_rows
from puhui.servicing.desk import conformance
from puhui.servicing.rules import repay
from puhui.servicing.rules import replay as plan
from puhui.servicing.rules.accrue import bring_to
from puhui.servicing.rules.apr import cost
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.schedule import build_schedule

__all__ = [
    "noun",
    "build_schedule",
    "schedule_rows",
    "cost",
    "repay",
    "bring_to",
    "divide",
    "plan",
    "conformance",
]
