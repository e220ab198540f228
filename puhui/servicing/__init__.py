"""Servicing (贷后): schedules, interest, repayments; a loan is recomputed from its events."""

from puhui.servicing import nouns as noun
from puhui.servicing.arrays import schedule_rows
from puhui.servicing.desk import conformance
from puhui.servicing.desk.arrears import collect as _collect  # noqa: F401  registers its use cases
from puhui.servicing.desk.arrears import finish as _finish  # noqa: F401  registers its use cases
from puhui.servicing.desk.arrears import relief as _relief  # noqa: F401  registers its use cases
from puhui.servicing.desk.arrears import zone as _zone  # noqa: F401  registers its use cases
from puhui.servicing.desk.day import close as _close  # noqa: F401  registers its use cases
from puhui.servicing.desk.loan import joint, live, security
from puhui.servicing.rules import replay as plan
from puhui.servicing.rules.apr import cost
from puhui.servicing.rules.period import divide
from puhui.servicing.rules.schedule import build_schedule

__all__ = [
    "noun",
    "live",
    "build_schedule",
    "schedule_rows",
    "cost",
    "divide",
    "plan",
    "conformance",
    "joint",
    "security",
]
