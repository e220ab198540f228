"""A synthetic book of live loans: made from templates, loaded by columns, and asked one by one.

Every loan is made up. Templates are loans replayed from terms and events up to the day before; a
book repeats them under other ids. So the single-loan path can be asked for any loan of the book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from puhui.kernel import Node
from puhui.kernel.act import SYSTEM, USE_CASES, Act, use_case
from puhui.kernel.store import change
from puhui.ledger import Account, Transfer, chart, create_accounts, create_transfers
from puhui.payment import own_account, wallet_account
from puhui.servicing import noun
from puhui.servicing.arrays.columns import allocation_text, columns_of, owing_of, plan_of
from puhui.servicing.arrays.live import LIVE_FIELDS
from puhui.servicing.desk.figures import risk_figures
from puhui.servicing.desk.loan.book import columns_of_event, event_of, plan_text
from puhui.servicing.desk.loan.live import change_loan
from puhui.servicing.desk.loan.post import loan_account
from puhui.servicing.nouns.live import RiskFigures
from puhui.servicing.rules.age import is_debit_day, judge_loan
from puhui.servicing.rules.expected import SCALE, days_step, loss_share
from puhui.servicing.tables import live as tables
from tests.servicing import lent
from tests.servicing.borrowers import know_borrowers
from tests.servicing.templates import Template

NUMBERS = ("counted_on", "principal_minor", "outstanding_minor", "number", "fixed_minor",
           "ahead_minor", "fixed_on", "next_due_on", "next_principal_minor",
           "next_interest_minor", "next_interest_paid_minor", "next_fee_minor",
           "owing_principal_minor", "owing_interest_minor", "owing_fee_minor",
           "owing_penalty_minor", "oldest_due_on", "arrears_minor", "days_past_due",
           "accrued_minor")  # fmt: skip
"""Columns in which the day's run and the single-loan path must agree to the minor unit."""
JUDGED = ("bucket", "risk_class", "stage", "cleared_on", "is_suspended", "booked_minor",
          "expected_loss_minor", "booked_loss_minor", "month_bucket", "month_class", "events",
          "closed_on")  # fmt: skip
"""What the day decides and books beside."""


GRADE, LGD = 3, 550_000


class Book:
    """Loans loaded into a node: loan ``n`` is a template under its own id, with its own wallet.

    Of one with joint lenders others lend part of one loan in twenty.
    """

    def __init__(
        self, node: Node, day: date, templates: tuple[list[Template], list[Template]],
        *, has_lenders: bool = False,
    ) -> None:  # fmt: skip
        self.node, self.day = node, day
        self.templates, self.has_lenders = templates, has_lenders
        self.lent = lent.lent_by([])
        self.before = day - timedelta(days=1)
        self._made: dict[int, tuple[dict[str, int], bytes, bytes, str]] = {}
        self._texts: dict[int, str] = {}

    def template(self, n: int) -> Template:
        """The template of loan ``n``: one in ten is in arrears."""
        current, late = self.templates
        return late[(n // 10) % len(late)] if n % 10 == 0 else current[(n + n // 10) % len(current)]

    def is_joint(self, n: int) -> bool:
        """Whether others lend part of loan ``n``."""
        return self.has_lenders and lent.is_joint(n)

    def lgd(self, n: int) -> int:
        """What is lost of loan ``n`` where nothing is paid any more, in millionths."""
        return lent.lgd_of(LGD) if self.is_joint(n) else LGD

    def columns(self, template: Template) -> tuple[dict[str, int], bytes, bytes, str]:
        """The columns of a template on the day before, its instalments owed and its plan."""
        found = self._made.get(id(template))
        if found is None:
            state = template.state(self.before)
            columns = dict.fromkeys(LIVE_FIELDS, 0) | columns_of(state)
            figures = risk_figures()
            judged = judge_loan(
                figures, columns["counted_on"], columns["days_past_due"],
                stage_before=1, cleared_on=0, watch_until=0,
                lost_millionths=lost_at(columns["days_past_due"]),
            )  # fmt: skip
            columns |= {
                "bucket": judged.bucket, "month_bucket": judged.bucket,
                "month_class": int(judged.risk_class),
                "risk_class": int(judged.risk_class), "stage": judged.stage,
                "is_suspended": int(judged.is_suspended), "events": len(template.events) - 1,
                "booked_minor": 0 if judged.is_suspended else columns["accrued_minor"],
                "grade": GRADE, "first_grade": GRADE, "lgd_millionths": LGD,
                "closed_on": self.before.toordinal(),
            }  # fmt: skip
            found = columns, owing_of(state), plan_of(state), allocation_text(template.plan)
            self._made[id(template)] = found
        return found

    def load(self, count: int, *, with_events: bool = False) -> None:
        """Load ``count`` loans, and open the accounts that the day will move money on.

        A loan of which something happens beside the day needs its events.
        """
        know_borrowers(self.node, [party_id(n) for n in range(count)])
        money: list[tuple[int, int, int]] = []
        shared: dict[str, dict[str, int]] = {}
        for start in range(0, count, 20_000):
            span = range(start, min(start + 20_000, count))
            made = [self.columns(self.template(n)) for n in span]
            columns: dict[str, Any] = {name: [one[0][name] for one in made] for name in LIVE_FIELDS}
            shared |= {
                loan_id(n): one[0] for n, one in zip(span, made, strict=True) if self.is_joint(n)
            }
            columns |= {
                "lgd_millionths": [self.lgd(n) for n in span],
                "id": [loan_id(n) for n in span],
                "party_id": [party_id(n) for n in span],
                "product": [self.template(n).product for n in span],
                "owing": [one[1] for one in made],
                "currency": "CNY",
                "status": "live",
            }
            with change(self.node.store) as tx:
                tx.load(tables.LOAN, columns)
                tx.load(
                    tables.PLAN,
                    {
                        "loan_id": columns["id"],
                        "rows": [one[2] for one in made],
                        "allocation": [one[3] for one in made],
                        "plan": [self.text(self.template(n)) for n in span],
                    },
                )
                for n in span if with_events else ():
                    for event in self.template(n).events:
                        tx.put(tables.INSERT_EVENT, **columns_of_event(event, loan_id(n), "load"))
            day = self.day.toordinal()
            for n, (one, *_) in zip(span, made, strict=True):
                if self._is_funded(one):
                    money.append((n, one["outstanding_minor"], self._funds(n, one, day)))
        for start in range(0, len(money), 2000):
            self.node.act(
                "bench.load", LoadMoney(tuple(money[start : start + 2000])),
                key=f"load-{start}", actor=SYSTEM,
            )  # fmt: skip
        self.lent = lent.lent_by(list(shared.values()))
        lent.load_shares(self.node, shared, frozenset(loan_id(n) for n, *_ in money))

    def text(self, template: Template) -> str:
        """A plan as it is stored."""
        found = self._texts.get(id(template))
        if found is None:
            found = self._texts[id(template)] = plan_text(template.plan)
        return found

    def _funds(self, n: int, one: dict[str, int], day: int) -> int:
        owed = one["arrears_minor"]
        if one["next_due_on"] == day:
            owed += one["next_principal_minor"] + one["next_interest_minor"]
        if n % 10 == 0:
            return owed // 3 if n % 50 == 0 else 0
        return owed // 2 if n % 17 == 0 else owed + 100

    def expected(self, n: int, on: date) -> noun.PlanState:
        """Loan ``n`` by the single path: its template's events and those on record."""
        with self.node.read() as tx:
            rows = tx.all(tables.READ_EVENTS, loan_id=loan_id(n))
        own = len(self.template(n).events)
        return self.template(n).state(on, [event_of(row) for row in rows if row.number >= own])

    def reckoned(self, n: int, days: Sequence[date]) -> dict[str, int]:
        """Loan ``n`` after ``days`` were closed, by nothing that they recorded: what is due and
        what the wallet holds say what was debited, the rules on one loan all the rest.
        """
        template, figures = self.template(n), risk_figures()
        first = self.columns(template)[0]
        told = {name: first[name] for name in ("stage", "cleared_on", "grade")}
        told["lgd_millionths"] = self.lgd(n)
        held = self._funds(n, first, self.day.toordinal()) if self._is_funded(first) else 0
        events: list[noun.PlanEvent] = []
        found: dict[str, int] = {}
        for on in days:
            state = template.state(on, events)
            owed = sum(row.owed_minor for row in state.rows if row.due_on <= on)
            asked = owed > 0 and is_debit_day(figures, state.days_past_due)
            amount = min(owed, held) if asked else 0
            if amount:
                number = str(len(template.events) + len(events))
                events.append(noun.PlanEvent(number, noun.Happening.REPAID, on, amount))
                held -= amount
                state = template.state(on, events)
            judged = judge_loan(
                figures, on.toordinal(), state.days_past_due, stage_before=told["stage"],
                cleared_on=told["cleared_on"], watch_until=0,
                lost_millionths=lost_at(state.days_past_due),
            )  # fmt: skip
            told["stage"], told["cleared_on"] = judged.stage, judged.cleared_on
            found = columns_of(state)
            booked = 0 if judged.is_suspended else found["accrued_minor"]
            found |= {
                "bucket": judged.bucket, "risk_class": int(judged.risk_class),
                "stage": judged.stage, "cleared_on": judged.cleared_on,
                "is_suspended": int(judged.is_suspended), "booked_minor": booked,
                "events": len(template.events) - 1 + len(events), "closed_on": on.toordinal(),
            }  # fmt: skip
            lost = _loss_of(figures, found, told, on, lent.OF_OTHERS * self.is_joint(n))
            found["expected_loss_minor"] = lost
            if (on + timedelta(days=1)).day == 1:
                found |= {"booked_loss_minor": lost, "month_bucket": judged.bucket,
                          "month_class": int(judged.risk_class)}  # fmt: skip
        return found

    def _is_funded(self, first: dict[str, int]) -> bool:
        return bool(first["next_due_on"] == self.day.toordinal() or first["arrears_minor"])

    def misjudged(self, n: int, days: Sequence[date]) -> list[str]:
        """In what loan ``n`` as stored differs from what is reckoned of it alone."""
        with self.node.read() as tx:
            row = tx.one(tables.READ_LOAN, id=loan_id(n))
        assert row is not None
        told = self.reckoned(n, days)
        if row.status == "paid_off":
            return [f"{n} is not paid off"] if told["outstanding_minor"] else []
        return [
            f"{name} of {n}: {getattr(row, name)} stored, {told[name]} reckoned"
            for name in (*NUMBERS, *JUDGED)
            if name in told and getattr(row, name) != told[name]
            and not (name == "fixed_on" and not told["number"])
        ]  # fmt: skip

    def differences(self, n: int, on: date) -> list[str]:
        """In what loan ``n`` as stored differs from the single path; nothing where all agrees."""
        with self.node.read() as tx:
            row = tx.one(tables.READ_LOAN, id=loan_id(n))
        assert row is not None
        state = self.expected(n, on)
        if row.status == "paid_off":
            return [] if state.status is noun.LoanStatus.PAID_OFF else [f"{n} is not paid off"]
        told = columns_of(state)
        found = [
            f"{name} of {n}: {getattr(row, name)} stored, {told[name]} expected"
            for name in NUMBERS
            if getattr(row, name) != told[name] and not (name == "fixed_on" and not told["number"])
        ]
        if bytes(row.owing or b"") != owing_of(state):
            found.append(f"owing of {n}")
        if self.is_joint(n):
            own = len(self.template(n).events)
            found += lent.ill_shared(self, n, loan_id(n), state, own, row)
        return found


def lost_at(days: int) -> int:
    """What is lost of an impaired loan of the book, millionths, by data/risk.toml."""
    steps = ((91, 550_000), (181, 750_000), (271, 900_000), (361, 1_000_000))
    return max([LGD, *(share for first, share in steps if days >= first)])


def _loss_of(
    figures: RiskFigures, found: dict[str, int], told: dict[str, int], on: date, others: int
) -> int:
    """Expected loss of one loan by the rule, minor units, rounded half up."""
    is_impaired = found["stage"] == 3
    months = (found["matures_on"] - on.toordinal()) * 12
    share = loss_share(
        figures,
        stage=found["stage"],
        grade=told["grade"],
        bucket=0 if is_impaired else found["bucket"],
        days=days_step(figures, found["days_past_due"]) if is_impaired else 0,
        months=1 if is_impaired else min(max(-(-months // 365), 1), figures.months_max),
        rate_percent=0 if is_impaired else (found["rate_millionths"] + 5000) // 10_000,
        is_amortising=bool(found["is_amortising"]),
        lgd_millionths=told["lgd_millionths"],
        others_millionths=others,
    )
    exposure = found["outstanding_minor"] + max(0, found["booked_minor"])
    return (2 * exposure * share + SCALE) // (2 * SCALE)


@dataclass(frozen=True)
class LoadMoney:
    """Accounts to open: (loan number, principal lent, money in the wallet), minor units."""

    loans: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Loaded:
    """How many loans have accounts now."""

    loans: int


def loan_id(n: int) -> str:
    """The id of loan ``n``."""
    return f"loan-{n:08d}"


def party_id(n: int) -> str:
    """The borrower of loan ``n``."""
    return f"party-{n:08d}"


def load_money(act: Act, input: LoadMoney) -> Loaded:
    """Open loan accounts and wallets with money on them."""
    codes, funding = chart(), own_account("funding", "CNY")
    accounts = [Account(funding, "CNY", codes.account("funding"))]
    transfers = []
    for name in ("interest_receivable", "interest_income", "fee_income"):
        accounts.append(Account(own_account(name, "CNY"), "CNY", codes.account(name)))
    for n, principal, money in input.loans:
        loan, wallet = loan_account(loan_id(n)), wallet_account(party_id(n), "CNY")
        accounts.append(
            Account(loan, "CNY", codes.account("loan_principal"),
                    flags=Account.CREDITS_MUST_NOT_EXCEED_DEBITS)
        )  # fmt: skip
        accounts.append(
            Account(wallet, "CNY", codes.account("customer_deposit"),
                    flags=Account.DEBITS_MUST_NOT_EXCEED_CREDITS)
        )  # fmt: skip
        reason = codes.transfer("opening")
        transfers.append(Transfer(act.new_number(), loan, funding, principal, "CNY", reason))
        if money:
            transfers.append(Transfer(act.new_number(), funding, wallet, money, "CNY", reason))
    create_accounts(act, accounts)
    create_transfers(act, transfers, strict=True)
    return Loaded(len(input.loans))


@dataclass(frozen=True)
class Happens:
    """An event that happens to a loan of the book."""

    loan_id: str
    event: noun.PlanEvent


def let_happen(act: Act, input: Happens) -> Loaded:
    """Let an event happen to a loan, as another room would."""
    change_loan(act, input.loan_id, input.event)
    return Loaded(1)


if "bench.happen" not in USE_CASES:
    use_case("bench.happen", roles=("system",))(let_happen)
if "bench.load" not in USE_CASES:
    use_case("bench.load", roles=("system",))(load_money)
