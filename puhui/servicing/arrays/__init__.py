"""Arrays of servicing: what rules decide of one loan, compiled for many."""

from puhui.servicing.arrays.schedule import schedule_rows

__all__ = ["schedule_rows"]
