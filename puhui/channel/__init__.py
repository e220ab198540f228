"""What every channel shares (门面): who is asking, the words of refusals, messages to phones."""

from puhui.channel import outage as queues
from puhui.channel.gate import Gate
from puhui.channel.gateway import MessageGateway, open_gateway
from puhui.channel.web import address_of, cookie_name, new_key
from puhui.channel.words import said

__all__ = [
    "Gate",
    "MessageGateway",
    "open_gateway",
    "said",
    "new_key",
    "cookie_name",
    "address_of",
    "queues",
]
