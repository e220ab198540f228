"""The same way on PostgreSQL: from registering to money, and a complaint with its answer."""

from __future__ import annotations

from pathlib import Path

from puhui.kernel.clock import FixedClock
from puhui.node import open_node
from tests.conftest import KEYS, check_books
from tests.database import Postgres
from tests.web.town import settle, town_of


def test_the_way_of_a_citizen_on_postgres(
    postgres: Postgres, tmp_path: Path, clock: FixedClock
) -> None:
    with postgres.database() as url:
        node = open_node(tmp_path, store_url=url, clock=clock, keys=KEYS)
        town = town_of(node, clock, settle(node))
        browser = town.customer(town.good)
        page = town.lend(browser)
        assert "已进入您的钱包" in page.text
        page = browser.open("/complaints/new")
        page = browser.send(page.form("/complaints/new"), subject="other", words="请回电。")
        assert "已收到您的投诉" in page.text
        officer = town.staff("loan_officer")
        for path in ("", "/applications", "/reviews", "/loans", "/portfolio", "/complaints"):
            assert officer.ask(f"/desk{path}").status == 200, path
        auditor = town.staff("auditor")
        assert auditor.open("/desk/journal?end=refused").status == 200
        check_books(node)
        node.close()
