"""The window of servicing (贷后窗口): what pages and reports read of loans that live."""

from puhui.servicing.desk.collect import contact_figures
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
from puhui.servicing.desk.relief import REASONS
from puhui.servicing.desk.view import (
    count_tasks,
    guarantees_of,
    loan_row,
    page_arrears,
    page_reliefs,
    page_tasks,
    provision_history,
    relief_row,
    reliefs_of,
    roll_periods,
    sum_arrears,
    task_of,
    task_takers,
)
from puhui.servicing.desk.vintage import VintagePoint, vintage_curves
from puhui.servicing.nouns.live import RiskClass

__all__ = [
    "REASONS",
    "RiskClass",
    "VintagePoint",
    "bucket_names",
    "bucket_table",
    "class_table",
    "contact_figures",
    "contacts_of",
    "count_tasks",
    "guarantees_of",
    "list_arrears",
    "list_tasks",
    "loan_row",
    "page_arrears",
    "page_reliefs",
    "page_tasks",
    "pledges_of",
    "promises_of",
    "provision_history",
    "provisions_of",
    "relief_row",
    "reliefs_of",
    "roll_periods",
    "roll_rates",
    "sum_arrears",
    "task_of",
    "task_takers",
    "vintage_curves",
    "vintages",
]
