"""Migrations lead an empty store to just the tables that the code declares."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from puhui import migrations
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.kernel.crypto import Keys
from puhui.kernel.store import metadata, open_store
from puhui.migrations import HEAD, engine_url, migrate
from puhui.migrations.state_0006.servicing import plan_json
from puhui.node import load_rooms, open_node
from puhui.servicing import build_schedule, live
from puhui.servicing.desk.loan.book import plan_in
from puhui.servicing.nouns import Part, Recalculation, Timing
from puhui.servicing.tables import live as live_tables
from tests.database import Postgres


def own_tables(url: str) -> dict[str, list[tuple[str, str, bool]]]:
    """Every column of every table: name, type, whether it may be empty. Tests' tables left out."""
    engine = create_engine(engine_url(url))
    try:
        look = inspect(engine)
        return {
            table: [
                (column["name"], str(column["type"]), column["nullable"])
                for column in look.get_columns(table)
            ]
            for table in look.get_table_names()
            if not table.startswith(("kernel_", "sample"))
        }
    finally:
        engine.dispose()


def own_checks(url: str) -> dict[str, int]:
    """How many conditions each table holds its rows to."""
    engine = create_engine(engine_url(url))
    try:
        look = inspect(engine)
        return {
            table: len(look.get_check_constraints(table))
            for table in look.get_table_names()
            if not table.startswith(("kernel_", "sample"))
        }
    finally:
        engine.dispose()


def differences(url: str) -> list[object]:
    """What the declared tables have that the store lacks, or the other way round."""
    engine = create_engine(engine_url(url))
    try:
        with engine.connect() as connection:
            dialect = engine.dialect.name
            opts = {"include_object": lambda one, *_: one.info.get("dialect", dialect) == dialect}
            context = MigrationContext.configure(connection, opts=opts)
            found = compare_metadata(context, metadata)
    finally:
        engine.dispose()
    return [one for one in found if "kernel_" not in str(one)]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_migrating_an_empty_store_equals_creating_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    load_rooms()
    if kind == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}.sqlite" for name in ("one", "two")]
        check(*urls)
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.empty_database() as one, server.empty_database() as two:
        check(one, two)


def check(migrated: str, created: str) -> None:
    """Migrate one, create the other, hold both against the declared tables."""
    assert migrate(migrated) == ""
    assert migrate(migrated) == HEAD, "a second time changes nothing"
    store = open_store(created)
    store.create(HEAD)
    assert store.version() == open_store(migrated).version() == HEAD
    assert own_tables(migrated) == own_tables(created)
    assert own_checks(migrated) == own_checks(created)
    assert differences(migrated) == []


def test_a_migrated_store_works(
    tmp_path: Path, open_at: Callable[..., Node], operator: Actor
) -> None:
    load_rooms()
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    migrate(url)
    node = open_at(url)
    books = node.act("lending.open_books", {"currency": "CNY"}, key="books", actor=operator)
    assert len(books.accounts) == 6


def test_a_store_of_another_state_is_not_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    load_rooms()
    open_store(url).create("0000")
    with pytest.raises(Refused) as caught:
        open_node(tmp_path, store_url=url)
    assert caught.value.code == "kernel.needs_migration"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_debts_of_an_older_state_are_kept_and_sealed_later(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """State 0006 puts amounts and source of a debt elsewhere into one text, word for word."""
    load_rooms()
    if kind == "sqlite":
        check_older_debt(f"sqlite:///{tmp_path / 'old'}.sqlite")
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.empty_database() as url:
        check_older_debt(url)


def check_older_debt(url: str) -> None:
    """One debt with a name that JSON must escape goes through the migration unharmed."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    told = {"debt_minor": 1200, "monthly_minor": 100, "source": 'bureau "A"\nsecond line'}
    columns = ", ".join(["id", "party_id", "kind", "currency", "recorded_by", "recorded_us", *told])
    values = ":id, 'p', 'bureau', 'CNY', 'x', 1, :debt_minor, :monthly_minor, :source"
    engine = create_engine(engine_url(url))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0005")
            insert = f"INSERT INTO lending_obligation ({columns}) VALUES ({values})"
            connection.execute(text(insert), {"id": "o", **told})
        assert migrate(url) == "0005"
        with engine.begin() as connection:
            (row,) = connection.execute(text("SELECT * FROM lending_obligation")).mappings()
    finally:
        engine.dispose()
    assert json.loads(row["sealed"]) == told
    assert (row["is_sealed"], row["party_id"], row["closed_us"]) == (0, "p", None)


OLD_TERMS = """{"principal_minor": 1200000, "currency": "CNY", "annual_rate": "0.12",
"method": "equal_instalment", "count": 3, "starts_on": "2026-01-01", "day_count": "30/360",
"every": 1, "frequency": "months", "anchor_day": null, "due_days": [], "rounding": "half_up",
"year_cut": "31 December", "adjusts_instalment": false, "shifts_due_days": false,
"upfront_fee_minor": 0}"""
OLD_SERVICING = """{"rounding": "half_up", "grace_days": 3, "penalty_multiplier": "1.5",
"penalty_year_days": 360, "allocation": [["past_due", "interest"], ["due", "interest"]],
"direction": "horizontal", "overpayment": "returned", "shifts_due_days": false,
"cooling_off_days": 3}"""


def test_terms_of_old_contracts_become_plans() -> None:
    """The plan that a migrated contract has is the one it was agreed by."""
    plan = plan_in(plan_json(json.loads(OLD_TERMS), json.loads(OLD_SERVICING)))
    assert (plan.annual_rate, plan.count, plan.grace_days) == (Decimal("0.12"), 3, 3)
    assert plan.recalculation is Recalculation.TO_THE_DAY and plan.cuts_shares
    assert plan.allocation[0] == (Timing.PAST_DUE, Part.INTEREST)
    schedule = build_schedule(plan, 1_200_000, date(2026, 1, 1))
    assert schedule.instalments[0].total_minor == 408_027


def test_loans_of_the_fifth_state_go_on(tmp_path: Path, clock: FixedClock) -> None:
    """A store of state 0005 with a contract, its loan and a payment: migrated, it is recomputed."""
    url = f"sqlite:///{tmp_path / 'puhui.sqlite'}"
    load_rooms()
    engine = create_engine(engine_url(url))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        fill(connection, "lending_contract", id="c-1", terms=OLD_TERMS, servicing=OLD_SERVICING,
             principal_minor=1_200_000, disbursed_minor=1_200_000, outstanding_minor=1_200_000,
             counts_from="2026-01-01", status="current")  # fmt: skip
        fill(connection, "servicing_loan", id="c-1", status="live", principal_minor=1_200_000,
             outstanding_minor=803_973, opened_on=date(2026, 1, 1).toordinal(), events=2, stage=1,
             lgd_millionths=550_000, paused_from=date(2026, 2, 2).toordinal(),
             paused_until=date(2026, 2, 9).toordinal())  # fmt: skip
        fill(connection, "servicing_plan", loan_id="c-1", rows=struct.pack("<8q", *range(8)))
        fill(connection, "servicing_event", loan_id="c-1", number=1, kind="repaid",
             day="2026-02-01", amount_minor=408_027)  # fmt: skip
        fill(connection, "servicing_event", loan_id="c-1", number=2, kind="charged",
             day="2026-02-02", amount_minor=500)  # fmt: skip
    engine.dispose()
    assert migrate(url) == "0005"
    node = open_node(tmp_path, store_url=url, clock=clock, keys=Keys(b"k" * 32))
    with node.read() as tx:
        book = live.read_book(tx, "c-1")
        plan = tx.all(live_tables.READ_PLANS, ids=["c-1"])[0]
        row = live.take_loan(tx, "c-1")
    node.close()
    assert [event.kind.value for event in book.events] == [
        "drawn", "repaid", "fee_charged", "paused",
    ]  # fmt: skip
    state = book.state(date(2026, 2, 10))
    assert state.outstanding_minor == 803_973 and state.rows[1].fee_minor == 500
    assert state.pauses[0][0] == date(2026, 2, 2).toordinal()
    assert (row.events, row.base_lgd_millionths) == (3, 550_000)
    assert struct.unpack("<9q", bytes(plan.rows)) == (*range(8), 0)


def fill(connection: Connection, table: str, **told: object) -> None:
    """Put a row into a table of an older state; what is not told is nought or empty."""
    values: dict[str, object] = {}
    for column in inspect(connection).get_columns(table):
        is_number = "INT" in str(column["type"])
        values[column["name"]] = told.get(column["name"], 0 if is_number else "")
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_guarantors_of_the_sixth_state_are_held(
    kind: str, tmp_path: Path, clock: FixedClock, request: pytest.FixtureRequest
) -> None:
    """Signed before there were holds: who stands for a loan that lives cannot be erased, who stood
    for one that is over can.
    """
    load_rooms()
    if kind == "sqlite":
        check_old_guarantors(f"sqlite:///{tmp_path / 'puhui.sqlite'}", tmp_path, clock)
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.empty_database() as url:
        check_old_guarantors(url, tmp_path, clock)


OLD_LOANS = {"c-runs": ("current", 0), "c-late": ("past_due", 5), "c-lost": ("written_off", 7),
             "c-over": ("paid_off", 0), "c-gone": ("written_off", 0)}  # fmt: skip


def check_old_guarantors(url: str, home: Path, clock: FixedClock) -> None:
    """A guarantor for each of five loans, and one for two; then the erasure of each is tried."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(engine_url(url))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for number, (loan, (status, arrears)) in enumerate(OLD_LOANS.items()):
            told = {"id": loan, "status": status, "arrears_minor": arrears, "party_id": "b"}
            fill(connection, "lending_contract", **told)
            party = f"party-{loan}"
            fill(connection, "party", id=party, kind="person", subject=f"s-{loan}",
                 identity="passed", erased_us=None, source=None, reference=None)  # fmt: skip
            fill(connection, "subject_key", subject=f"s-{loan}", wrapped="w")
            fill(connection, "servicing_guarantee", id=f"g-{number}", loan_id=loan,
                 guarantor_id=party, share_millionths=1000)  # fmt: skip
        fill(connection, "servicing_guarantee", id="g-x", loan_id="c-over",
             guarantor_id="party-c-runs", share_millionths=1000)  # fmt: skip
    engine.dispose()
    assert migrate(url) == "0006"
    node = open_node(home, store_url=url, clock=clock, keys=Keys(b"k" * 32))
    system = Actor("job", frozenset({"system"}))
    found = {}
    for loan in OLD_LOANS:
        told = {"party_id": f"party-{loan}"}
        try:
            node.act("party.erase_person", told, key=loan, actor=system)
            found[loan] = "erased"
        except Refused as refused:
            found[loan] = refused.code
    node.close()
    held = "party.has_holds"
    assert found == {"c-runs": held, "c-late": held, "c-lost": held, "c-over": "erased",
                     "c-gone": "erased"}  # fmt: skip
