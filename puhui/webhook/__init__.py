"""Webhooks (事件推送): endpoints that are told of loan events, signed, and again if lost."""

from puhui.webhook.desk.courier import deliver_webhooks, run_courier
from puhui.webhook.desk.endpoint import list_endpoints
from puhui.webhook.nouns import EVENT_NAMES, Endpoint, Loopback

__all__ = [
    "Endpoint",
    "EVENT_NAMES",
    "Loopback",
    "list_endpoints",
    "deliver_webhooks",
    "run_courier",
]
