"""The town of the pages: made once a test process, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from puhui.kernel.clock import FixedClock, time_us_of
from tests.conftest import MONDAY, check_books
from tests.web.town import Town, build, open_town


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder of a settled town, and who is who in it."""
    home = tmp_path_factory.mktemp("town")
    clock = FixedClock(time_us_of(datetime.fromisoformat(MONDAY)))
    return home, build(home, clock)


@pytest.fixture
def town(
    template: tuple[Path, dict[str, str]], tmp_path: Path, clock: FixedClock
) -> Iterator[Town]:
    """A town that the test may change."""
    home, numbers = template
    found = open_town(home, tmp_path / "home", clock, numbers)
    yield found
    check_books(found.node)
    found.node.close()
