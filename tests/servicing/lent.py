"""Joint lenders of a synthetic book: one loan in twenty is lent by two others with us.

What they must have is worked out from the single-loan path, and held against shares and books.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from puhui.kernel import Node
from puhui.kernel.act import SYSTEM, USE_CASES, Act, use_case
from puhui.kernel.store import Row, change
from puhui.ledger import (
    Account,
    Transfer,
    chart,
    create_accounts,
    create_transfers,
    lookup_accounts,
)
from puhui.payment import own_account, wallet_account
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.joint import due_account, joint_account
from puhui.servicing.rules.expected import MILLION, covered_lgd
from puhui.servicing.rules.joint import part_of
from puhui.servicing.tables import collect as tables
from tests.servicing.shares import LENDERS, kept_for

if TYPE_CHECKING:
    from tests.servicing.book import Book

FILLED = 10**15
"""What each lender's wallet holds at first, minor units."""
OF_OTHERS = sum(share for _, share in LENDERS)


def is_joint(n: int) -> bool:
    """Whether others lend part of loan ``n``: one in twenty, of every age and state of arrears."""
    return (n + n // 20) % 20 == 3


def lgd_of(base_millionths: int) -> int:
    """What is lost of a loan without pledges of which others lend part, in millionths."""
    lgd = Decimal(base_millionths) / MILLION
    found = covered_lgd(
        risk_figures(), lgd, outstanding_minor=1, pledges=(), guaranteed=Decimal(0),
        of_others=Decimal(OF_OTHERS) / MILLION,
    )  # fmt: skip
    return int(found * MILLION)


@dataclass(frozen=True)
class Lent:
    """Accounts of lenders to open: parts of loans by id, and what is due to each, minor units."""

    parts: tuple[tuple[str, str, int], ...]
    due: tuple[tuple[str, int], ...]


def lend(act: Act, input: Lent) -> int:
    """Open the accounts of joint lenders with what is on them."""
    codes, reason = chart(), chart().transfer("opening")
    funding, income = own_account("funding", "CNY"), own_account("interest_income", "CNY")
    accounts = [Account(income, "CNY", codes.account("interest_income"))]
    filled = []
    for loan_id, name, minor in input.parts:
        number = joint_account(loan_id, name)
        accounts.append(Account(number, "CNY", codes.account("joint_funds")))
        filled.append((funding, number, minor))
    for name, minor in input.due:
        accounts.append(due_account(name, "CNY"))
        wallet = wallet_account(name, "CNY")
        accounts.append(
            Account(wallet, "CNY", codes.account("customer_deposit"),
                    flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS)
        )  # fmt: skip
        filled += [(income, due_account(name, "CNY").id, minor), (funding, wallet, FILLED)]
    create_accounts(act, accounts)
    create_transfers(
        act,
        [Transfer(act.new_number(), *sides, "CNY", reason) for sides in filled if sides[2]],
        strict=True,
    )
    return len(accounts)


if "bench.lend" not in USE_CASES:
    use_case("bench.lend", roles=("system",))(lend)


def load_shares(node: Node, loans: Mapping[str, Mapping[str, int]], funded: frozenset[str]) -> None:
    """Let lenders take part in loans given by id with their columns; those of ``funded`` will move
    money, so that accounts hold each lender's part of them.
    """
    rows = [
        (loan_id, name, share, part_of(one["outstanding_minor"], share),
         part_of(one["booked_minor"], share))
        for loan_id, one in loans.items() for name, share in LENDERS
    ]  # fmt: skip
    if not rows:
        return
    names = ("loan_id", "lender_id", "share_millionths", "outstanding_minor", "booked_minor")
    columns: dict[str, Any] = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    with change(node.store) as tx:
        tx.load(tables.LENDER_SHARE, columns | {"received_minor": 0, "upfront_minor": 0})
    due = {name: sum(row[4] for row in rows if row[1] == name) for name, _ in LENDERS}
    parts = [(row[0], row[1], row[3]) for row in rows if row[0] in funded]
    told = [Lent((), tuple(due.items()))]
    told += [Lent(tuple(parts[at : at + 4000]), ()) for at in range(0, len(parts), 4000)]
    for place, one in enumerate(told):
        node.act("bench.lend", one, key=f"lend-{place}", actor=SYSTEM)


def shares_of(node: Node, loan_id: str) -> list[Row]:
    """What the store says of the lenders of a loan."""
    with node.read() as tx:
        return tx.all(tables.READ_SHARES, loan_id=loan_id)


def ill_shared(book: Book, n: int, loan_id: str, state: Any, own: int, row: Row) -> list[str]:
    """In what the shares of loan ``n`` differ from its replay: principal left, what is booked, and
    parts of what was paid by events from ``own`` on; nothing where all agrees.
    """
    told = []
    for name, share in LENDERS:
        paid = [one for one in state.shares if int(one.event_id) >= own]
        got = sum(
            part_of(minor, share)
            for one in paid for minor in (one.interest_minor, one.penalty_minor, one.fee_minor)
        )  # fmt: skip
        left = part_of(state.outstanding_minor, share)
        told.append((name, left, part_of(row.booked_minor, share), got))
    stored = [
        (one.lender_id, one.outstanding_minor, one.booked_minor, one.received_minor)
        for one in shares_of(book.node, loan_id)
    ]
    found = [] if stored == told else [f"shares of {n}: {stored} stored, {told} expected"]
    numbers = [joint_account(loan_id, name) for name, _ in LENDERS]
    with book.node.read() as tx:
        held = lookup_accounts(tx, numbers)
    for account, one in zip(held, told, strict=True):
        if account is not None and account.credit_balance_minor != one[1]:
            found.append(f"the books hold {account.credit_balance_minor} of {n}, not {one[1]}")
    return found


def ill_booked(node: Node, lent: Mapping[str, int]) -> list[str]:
    """In what the books of each lender differ from its shares, all loans together.

    ``lent`` is what each had lent at first. What is due to it is what its shares say, and it got
    all principal that left them and all that they received: in its wallet, or kept for it.
    """
    found = []
    kept = kept_for(node)
    with node.read() as tx:
        rows = tx.all(tables.LOCK_SHARES_WITHIN, after="", until="~")
        for name, _ in LENDERS:
            own = [row for row in rows if row.lender_id == name]
            due, wallet = lookup_accounts(
                tx, [due_account(name, "CNY").id, wallet_account(name, "CNY")]
            )
            assert due is not None and wallet is not None, name
            must = sum(row.booked_minor for row in own)
            if due.credit_balance_minor != must:
                found.append(f"{due.credit_balance_minor} is due to {name}, not {must}")
            must = FILLED + lent[name] + sum(
                row.received_minor - row.outstanding_minor for row in own
            )  # fmt: skip
            held = wallet.credit_balance_minor + kept[name]
            if held != must:
                found.append(f"{name} holds {held}, not {must}")
    return found


def lent_by(loans: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """What each lender has lent of loans given by their columns, minor units."""
    return {
        name: sum(part_of(one["outstanding_minor"], share) for one in loans)
        for name, share in LENDERS
    }
