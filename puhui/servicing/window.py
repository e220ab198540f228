"""The window of servicing (贷后窗口): what pages and reports read of loans that live."""

from puhui.servicing.desk.page import (
    bucket_names,
    bucket_table,
    class_table,
    contacts_of,
    list_arrears,
    list_tasks,
    pledges_of,
    promises_of,
    provisions_of,
    roll_rates,
    vintages,
)
from puhui.servicing.nouns.live import RiskClass

__all__ = [
    "RiskClass",
    "bucket_names",
    "bucket_table",
    "class_table",
    "contacts_of",
    "list_arrears",
    "list_tasks",
    "pledges_of",
    "promises_of",
    "provisions_of",
    "roll_rates",
    "vintages",
]
