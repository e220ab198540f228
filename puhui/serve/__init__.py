"""Serve (服务进程): pages, API, worker and probes of one node, in one process."""

from puhui.serve.run import serve
from puhui.serve.site import build_site

__all__ = ["serve", "build_site"]
