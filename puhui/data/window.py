"""The window of data (窗口): how pages show people their own data, and staff a case."""

from puhui.data.desk.view import accesses_of, own_permit, permit_of_access

__all__ = ["accesses_of", "own_permit", "permit_of_access"]
