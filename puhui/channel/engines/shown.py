"""The gateway of development: nothing is sent, the page shows the code."""

from __future__ import annotations


class ShownGateway:
    """Sends nothing; only a server bound to loopback gets it (``open_gateway``)."""

    shows_code = True

    def send(self, phone: str, text: str) -> None:
        """Do nothing: who asked reads the code on the page."""
