"""Servicing (贷后): loans that live, from the day they are paid out to the day they end."""

from puhui.servicing.desk import day as _day  # noqa: F401  registers its use cases
