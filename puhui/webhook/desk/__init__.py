"""The desks of webhooks: registering endpoints, and telling them."""

from puhui.webhook.desk import courier, endpoint

__all__ = ["courier", "endpoint"]
