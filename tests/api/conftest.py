"""The town of the API's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.party.desk import user
from tests.api.town import Town, open_town
from tests.lending.bank import open_bank


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain comparison instead of Argon2: nine people log in before each test."""
    monkeypatch.setattr(user, "hash_password", lambda password: f"quick {password}")
    monkeypatch.setattr(
        user, "verify_password", lambda hashed, password: hashed == f"quick {password}"
    )


@pytest.fixture
def town(quick_passwords: None, sqlite_node: Node, operator: Actor, tmp_path: Path) -> Town:
    """The API of a bank on SQLite, with people of every role."""
    return open_town(open_bank(sqlite_node, operator, tmp_path))
