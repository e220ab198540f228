"""The API (开放接口): use cases and reads over HTTP for programs, closed unless opened."""

from puhui.api.app import build_api

__all__ = ["build_api"]
