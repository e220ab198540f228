"""Random histories of lending: whatever people do in whatever order, the books hold.

Goal: no sequence of acts, refused ones and repeated ones included, breaks what must always hold.
Method: a hypothesis machine plays persons, officers and nights on one node; after each step the
statuses may only have moved as they may, and at the end books, contracts and replay are compared.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from puhui import ledger, lending
from puhui.kernel import Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.replay import replay
from puhui.lending.desk.lend.contract import own_account, wallet_account
from puhui.node import open_node
from puhui.worker import close_day, deliver
from tests.conftest import KEYS, check_books
from tests.faults.load import MONDAY_US, id_number, operator
from tests.lending.bank import BAD_ROW, FIELDS, GOOD_ROW, PRODUCT, open_bank
from tests.lending.second import decide

pytestmark = [pytest.mark.faults, pytest.mark.timeout(280)]
DAY_US = 86_400_000_000
MOVES = {
    None: {"signed"},
    "signed": {"signed", "current", "void"},
    "void": {"void"},
    "current": {"current", "past_due", "paid_off", "written_off"},
    "past_due": {"past_due", "current", "paid_off", "written_off"},
    "written_off": {"written_off", "paid_off"},
    "paid_off": {"paid_off"},
}
"""Where a contract may stand after it stood there."""
INDEX = st.integers(0, 50)


class LendingHistory(RuleBasedStateMachine):
    """One bank, a few persons, and everything that may happen to their loans."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="puhui-machine-"))
        self.clock = FixedClock(MONDAY_US)
        self.node = self.open_store("node")
        self.bank = open_bank(self.node, operator(), self.folder)
        self.parties: list[str] = []
        self.applications: list[str] = []
        self.contracts: list[str] = []
        self.statuses: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, Any], object]] = []
        self.keys = 0

    def open_store(self, name: str) -> Any:
        """A node on a store of its own in the folder of this history."""
        url = f"sqlite:///{self.folder / name}.sqlite"
        return open_node(self.folder, store_url=url, keys=KEYS, clock=self.clock)

    def ask(self, use_case: str, **input: Any) -> Any:
        """Ask for an act; the outcome, or the code of the refusal."""
        self.keys += 1
        key = f"history {self.keys}"
        answer = self.answer(use_case, key, input)
        self.asked.append((use_case, key, input, answer))
        return answer

    def answer(self, use_case: str, key: str, input: dict[str, Any]) -> Any:
        """The outcome, or the code of the refusal; a fault fails the test."""
        try:
            return self.bank.act(use_case, key, **input)
        except Refused as refused:
            return refused.code

    @initialize()
    def begin(self) -> None:
        """Three persons are there from the beginning."""
        for _ in range(3):
            self.join()

    @rule()
    @precondition(lambda self: len(self.parties) < 4)
    def join(self) -> None:
        """Somebody registers, is identified, and consents."""
        number = len(self.parties)
        made = self.ask(
            "party.register_person",
            name=f"人{number}",
            id_number=id_number(number),
            phone=f"137{number:08d}",
        )
        self.parties.append(made.party_id)
        self.ask(
            "party.verify_identity",
            party_id=made.party_id,
            method="synthetic",
            is_passed=True,
            evidence_digest=hashlib.sha256(b"seen").hexdigest(),
        )
        until = business_date(self.clock.now_us()).replace(year=2027, day=1)
        self.ask(
            "data.grant_consent",
            party_id=made.party_id,
            purpose="credit_decision",
            fields=FIELDS,
            until=until.isoformat(),
        )

    @rule(
        who=INDEX,
        wanted=st.sampled_from([2_000_000, 3_000_000, 1, 40_000_000]),
        is_good=st.sampled_from([True, True, True, False]),
        term=st.sampled_from([None, 3, 6, 12]),
        course=st.sampled_from(["paid out", "paid out", "signed", "offered"]),
    )
    @precondition(lambda self: self.parties)
    def apply(self, who: int, wanted: int, is_good: bool, term: int | None, course: str) -> None:
        """Somebody applies and is decided on; most go on to the contract and the money."""
        more = {} if term is None else {"term_months": term}
        made = self.ask(
            "lending.apply",
            party_id=self.parties[who % len(self.parties)],
            product=PRODUCT,
            wanted_minor=wanted,
            mapping=self.bank.mapping_digest,
            row=GOOD_ROW if is_good else BAD_ROW,
            fields=FIELDS,
            channel="test",
            source_id=f"row {self.keys}",
            **more,
        )
        if not isinstance(made, str):
            self.applications.append(made.application_id)
            self.ask("lending.decide", application_id=made.application_id)
            if course != "offered":
                self.sign(made.application_id, "zh", is_paid=course == "paid out")

    @rule(which=INDEX, language=st.sampled_from(["zh", "en"]), is_paid=st.booleans())
    @precondition(lambda self: self.applications)
    def accept(self, which: int, language: str, is_paid: bool) -> None:
        """An offer that was left open is taken up after all."""
        self.sign(self.applications[which % len(self.applications)], language, is_paid=is_paid)

    def sign(self, application_id: str, language: str, *, is_paid: bool) -> None:
        """A contract is read and signed, and perhaps paid out."""
        today = business_date(self.clock.now_us())
        try:
            with self.node.read() as tx:
                contract, _, _ = lending.draft_contract(tx, application_id, today, language)
        except Refused:
            return
        made = self.ask(
            "lending.accept",
            application_id=application_id,
            contract_digest=contract.digest,
            language=language,
        )
        if not isinstance(made, str):
            self.contracts.append(made.contract_id)
            if is_paid:
                self.ask("lending.disburse", contract_id=made.contract_id)

    @rule(which=INDEX, verb=st.sampled_from(["disburse", "void_contract", "write_off"]))
    @precondition(lambda self: self.contracts)
    def act_on_contract(self, which: int, verb: str) -> None:
        """A contract is paid out, undone or written off, whether or not it may be."""
        contract_id = self.contracts[which % len(self.contracts)]
        if verb == "write_off":
            self.write_off(contract_id)
        else:
            self.ask(f"lending.{verb}", contract_id=contract_id)

    def write_off(self, contract_id: str) -> None:
        """Nobody writes a loan off alone: one officer proposes, another approves."""
        told = json.dumps({"contract_id": contract_id})
        made = self.ask(
            "lending.propose_change", name="lending.write_off", told=told, reason="lost"
        )
        if not isinstance(made, str):
            decide(self.bank, made.proposal_id)

    @rule(which=INDEX)
    @precondition(lambda self: self.applications)
    def withdraw(self, which: int) -> None:
        """An application is taken back."""
        application_id = self.applications[which % len(self.applications)]
        self.ask("lending.withdraw", application_id=application_id)

    @rule(which=INDEX, amount=st.integers(-5, 3_000_000), is_all=st.booleans())
    @precondition(lambda self: self.contracts)
    def repay(self, which: int, amount: int, is_all: bool) -> None:
        """A borrower repays something, or what it takes to be free."""
        contract_id = self.contracts[which % len(self.contracts)]
        if is_all:
            try:
                with self.node.read() as tx:
                    quote = lending.quote_pay_off(
                        tx, contract_id, business_date(self.clock.now_us())
                    )
                amount = quote.total_minor
            except Refused:
                return
        self.ask("lending.repay", contract_id=contract_id, amount_minor=amount)

    @rule(who=INDEX, amount=st.integers(1, 5_000_000))
    @precondition(lambda self: self.parties)
    def top_up(self, who: int, amount: int) -> None:
        """Somebody puts money into the wallet, if there is one."""
        self.ask(
            "ledger.create_transfers",
            transfers=[
                {
                    "id": 10_000 + self.keys,
                    "debit_account_id": own_account("funding", "CNY"),
                    "credit_account_id": wallet_account(
                        self.parties[who % len(self.parties)], "CNY"
                    ),
                    "amount_minor": amount,
                    "ledger": "CNY",
                    "code": ledger.chart().transfer("deposit"),
                }
            ],
        )

    @rule(days=st.sampled_from([1, 5, 31, 100]), is_closed=st.booleans())
    def pass_time(self, days: int, is_closed: bool) -> None:
        """Days go by; the last of them is closed, or forgotten."""
        if self.clock.now_us() < MONDAY_US + 250 * DAY_US:
            self.clock.set_us(self.clock.now_us() + days * DAY_US)
        if is_closed:
            close_day(self.node, business_date(self.clock.now_us()))
            deliver(self.node)

    @rule(which=INDEX)
    @precondition(lambda self: self.asked)
    def ask_again(self, which: int) -> None:
        """A client did not hear the answer and asks again under the same key."""
        use_case, key, input, answer = self.asked[which % len(self.asked)]
        assert self.answer(use_case, key, input) == answer, (use_case, key)

    @invariant()
    def statuses_move_as_they_may(self) -> None:
        """No contract comes back from where it ended."""
        with self.node.read() as tx:
            loans = lending.list_loans(tx, count=1000)
        for loan in loans:
            before = self.statuses.get(loan.contract_id)
            assert loan.status in MOVES[before] or before is None, (loan, before)
            self.statuses[loan.contract_id] = loan.status
            assert 0 <= loan.outstanding_minor <= loan.principal_minor, loan
            if loan.status == "paid_off":
                assert loan.outstanding_minor == 0, loan
        running = [loan.application_id for loan in loans if loan.status != "void"]
        assert len(running) == len(set(running)), "one contract of an application is in force"

    def teardown(self) -> None:
        """Books, and a replay in an empty node."""
        try:
            check_books(self.node)
            with self.node.read() as tx:
                assert ledger.trial_balance(tx).difference_minor == 0
            target = self.open_store("replayed")
            assert replay(self.node, target).differences == ()
            check_books(target)
            target.close()
        finally:
            self.node.close()
            shutil.rmtree(self.folder)


LendingHistory.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestLendingHistory = LendingHistory.TestCase
