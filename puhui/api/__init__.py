"""The API (开放接口): use cases and reads over HTTP for programs, closed unless opened."""

from puhui.api.app import build_api, describe, operation_names
from puhui.api.caller import KEY_MARK

__all__ = ["build_api", "operation_names", "describe", "KEY_MARK"]
