"""Messages to phones: one small protocol, two engines, and the choice between them."""

from __future__ import annotations

import os
from typing import Protocol

from puhui.kernel import Refused

LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))


class MessageGateway(Protocol):
    """Takes a text to a phone."""

    shows_code: bool
    """Whether the page itself shows the code, as nothing leaves the machine."""

    def send(self, phone: str, text: str) -> None:
        """Hand one message over. Fault: ``channel.message_lost`` when nobody takes it."""
        ...


def open_gateway(host: str) -> MessageGateway:
    """The gateway that the settings name, for a server bound to ``host``.

    Without ``PUHUI_SMS_URL`` the code is shown on the page, which only a server that nobody else
    can reach may do. Refused: ``channel.no_gateway``, ``channel.bad_gateway``.
    """
    from puhui.channel.engines.http import HttpGateway
    from puhui.channel.engines.shown import ShownGateway

    url = os.environ.get("PUHUI_SMS_URL")
    if url:
        return HttpGateway(url, token=os.environ.get("PUHUI_SMS_TOKEN"))
    if host not in LOOPBACK:
        raise Refused(
            "channel.no_gateway",
            f"On {host} others can reach this server: set PUHUI_SMS_URL to the gateway that "
            "takes login codes to phones, or serve on 127.0.0.1, where the page shows them.",
        )
    return ShownGateway()
