"""Who may open a page."""

from __future__ import annotations

from enum import Enum


class Who(Enum):
    """Who may open a page: the value are the roles of staff that it asks for."""

    ANYONE = frozenset({"visitor"})
    USER = frozenset({"user"})
    CUSTOMER = frozenset({"customer"})
    STAFF = frozenset(
        "loan_officer risk_analyst collector operator administrator auditor compliance_officer "
        "supervisor".split()
    )
    OFFICER = frozenset({"loan_officer"})
    FACTS = frozenset({"loan_officer", "risk_analyst"})
    CONTACT = frozenset({"loan_officer", "operator"})
    CONTACT_RISK = frozenset({"loan_officer", "operator", "risk_analyst"})
    LENDING = frozenset({"loan_officer", "risk_analyst", "operator", "auditor", "supervisor"})
    BOOK = frozenset({"loan_officer", "risk_analyst", "collector", "operator", "auditor",
                      "supervisor"})  # fmt: skip
    COLLECTING = frozenset({"collector", "loan_officer", "operator"})
    AUDIT = frozenset({"risk_analyst", "auditor"})
    WATCH = frozenset({"risk_analyst"})
    RISK = frozenset({"risk_analyst", "auditor", "supervisor"})
    PAYMENTS = frozenset({"operator", "auditor", "compliance_officer", "supervisor"})
    OPERATOR = frozenset({"operator"})
    COMPLAINTS = frozenset({"operator", "loan_officer", "compliance_officer"})
    JOURNAL = frozenset({"auditor"})
    USERS = frozenset({"administrator"})


ROLES_OF = {who.name: who.value for who in Who}
"""The roles by the name of who may, for templates."""
