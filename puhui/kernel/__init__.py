"""What everything stands on (地基): money, days, the store, acts, events and keys."""

from puhui.kernel.act import Act, Actor, use_case
from puhui.kernel.errors import Fault, Refused
from puhui.kernel.money import Money
from puhui.kernel.node import Node
from puhui.kernel.store import Transaction

__all__ = ["Act", "Actor", "Fault", "Money", "Node", "Refused", "Transaction", "use_case"]
