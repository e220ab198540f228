"""One act of a command of the credit desk, in the operator's name."""

from __future__ import annotations

from typing import Any

from puhui.cli.open import opened, operator


def act(name: str, told: dict[str, Any]) -> Any:
    """Run a use case once; a second call is another act."""
    from puhui.channel import new_key

    with opened() as node:
        return node.act(name, told, key=f"cli {name} {new_key()}", actor=operator())
