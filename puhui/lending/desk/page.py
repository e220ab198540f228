"""What pages list and show beside single cases and loans; nothing here changes anything."""

from __future__ import annotations

from datetime import date

from puhui.kernel.errors import Refused
from puhui.kernel.store import Row, Transaction
from puhui.kernel.store.listing import filled, ordered
from puhui.lending import tables
from puhui.lending.nouns.credit_limit import CreditLimitChange
from puhui.lending.tables import credit_limit as changes
from puhui.lending.tables import page

APPLICATIONS_MAX = 200
CHANGES_MAX = 100


def applications_of(tx: Transaction, party_id: str) -> tuple[Row, ...]:
    """The applications of a party, newest first, up to 200."""
    return tuple(tx.all(page.READ_APPLICATIONS_OF, party_id=party_id, count=APPLICATIONS_MAX))


def application_row(tx: Transaction, application_id: str) -> Row:
    """All columns of one application, its facts sealed. Refused: ``lending.no_application``."""
    row = tx.one(tables.READ_APPLICATION, id=application_id)
    if row is None:
        raise Refused("lending.no_application", f"There is no application {application_id[:60]}.")
    return row


def list_applications(
    tx: Transaction,
    *,
    status: str = "",
    product: str = "",
    party: str = "",
    order: str = "-applied",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of applications with their newest decision. Refused: ``lending.bad_order``."""
    statement = ordered(page.LIST_APPLICATIONS, order, code="lending.bad_order")
    words = filled(status=status, product=product, party=party)
    return tuple(tx.all(statement, **words, skip=skip, count=count))


def applications_after(
    tx: Transaction,
    after: str,
    *,
    status: str = "",
    product: str = "",
    party: str = "",
    count: int = 50,
) -> tuple[Row, ...]:
    """The next applications by id, past the one named, however long the list is."""
    words = filled(status=status, product=product, party=party)
    return tuple(tx.all(page.APPLICATIONS_AFTER, **words, after=after, count=count))


def list_contracts(
    tx: Transaction,
    *,
    status: str = "",
    product: str = "",
    party: str = "",
    order: str = "-signed",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of contracts, void ones too. Refused: ``lending.bad_order``."""
    statement = ordered(page.LIST_LOANS, order, code="lending.bad_order")
    words = filled(status=status, product=product, party=party)
    return tuple(tx.all(statement, **words, skip=skip, count=count))


def list_reviews(
    tx: Transaction,
    *,
    status: str = "",
    product: str = "",
    order: str = "waiting",
    skip: int = 0,
    count: int = 50,
) -> tuple[Row, ...]:
    """A page of the review queue, the longest waiting first. Refused: ``lending.bad_order``."""
    statement = ordered(page.LIST_REVIEWS, order, code="lending.bad_order")
    words = filled(status=status, product=product)
    return tuple(tx.all(statement, **words, skip=skip, count=count))


def review_of(tx: Transaction, application_id: str) -> Row | None:
    """The review of an application, its words sealed; None where nobody was asked."""
    return tx.one(tables.READ_REVIEW, application_id=application_id)


def decisions_of(tx: Transaction, application_id: str) -> tuple[Row, ...]:
    """Every decision on an application as it is stored, oldest first."""
    return tuple(tx.all(page.READ_DECISIONS, application_id=application_id))


def contracts_for(tx: Transaction, application_id: str) -> tuple[Row, ...]:
    """Every contract of an application, void ones too, oldest first."""
    return tuple(tx.all(page.READ_CONTRACTS_FOR, application_id=application_id))


def contract_row(tx: Transaction, contract_id: str) -> Row:
    """All columns of a contract, with its text. Refused: ``lending.no_contract``."""
    row = tx.one(tables.READ_CONTRACT, id=contract_id)
    if row is None:
        raise Refused("lending.no_contract", f"There is no contract {contract_id[:60]}.")
    return row


def count_by_day(
    tx: Transaction, *, since: date, until: date, product: str = ""
) -> tuple[Row, ...]:
    """Applications by day and product, with how many were approved, refused and put to review."""
    days = {"since": since.isoformat(), "until": until.isoformat()}
    return tuple(tx.all(page.COUNT_BY_DAY, **days, **filled(product=product)))


def count_by_bucket(tx: Transaction, *, product: str = "", currency: str) -> tuple[Row, ...]:
    """Running loans of a currency by delinquency bucket, with what is outstanding and overdue."""
    return tuple(tx.all(page.COUNT_BY_BUCKET, **filled(product=product, currency=currency)))


def count_by_rate(tx: Transaction, *, product: str = "", currency: str) -> tuple[Row, ...]:
    """Running loans of a currency by annual rate: the yield that the book was promised."""
    return tuple(tx.all(page.COUNT_BY_RATE, **filled(product=product, currency=currency)))


def changes_of(
    tx: Transaction, party_id: str, *, is_whole: bool = False
) -> tuple[CreditLimitChange, ...]:
    """What a person is told of its credit limits, newest first, at most 100; ``is_whole`` with
    the reviews that left a limit as it was.
    """
    found = tx.all(changes.READ_CHANGES_OF, party_id=party_id, count=CHANGES_MAX)
    return tuple(_change(row) for row in found if is_whole or row.status != "kept")


def list_changes(
    tx: Transaction,
    *,
    status: str = "",
    product: str = "",
    reason: str = "",
    party: str = "",
    order: str = "-reviewed",
    skip: int = 0,
    count: int = 50,
) -> tuple[CreditLimitChange, ...]:
    """A page of reviews of credit limits, the newest first. Refused: ``lending.bad_order``."""
    statement = ordered(changes.LIST_CHANGES, order, code="lending.bad_order")
    words = filled(status=status, product=product, reason=reason, party=party)
    return tuple(_change(row) for row in tx.all(statement, **words, skip=skip, count=count))


def _change(row: Row) -> CreditLimitChange:
    return CreditLimitChange(
        row.id,
        row.product,
        row.currency,
        row.month,
        row.before_minor,
        row.after_minor,
        row.reason,
        row.status,
        date.fromisoformat(row.counts_from),
        row.reviewed_us,
        row.party_id,
        row.drawn_minor,
        row.answered_us,
    )
