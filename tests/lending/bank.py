"""A small bank for tests: a card trained on made-up loans, open books, persons with consents."""

from __future__ import annotations

import hashlib
import random
import tempfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from puhui import lending, score
from puhui.kernel import Actor, Node
from puhui.kernel.clock import business_date

MAPPING = """
title = { zh = "测试贷款", en = "loans made up for tests" }
currency = "CNY"
id_column = "id"

[source]
title = "made up by a seeded draw in this test"
link = "tests/lending/bank.py"
on = 2026-03-01

[target]
column = "bad"
bad = ["1"]
good = ["0"]

[split]
rule = "hash"
columns = ["id"]
share = 0.9
salt = "test"

[amount]
column = "amount"

[term]
stated_by = "product"

[guard]
age = { column = "age" }
yearly_income = { column = "income" }
existing_debt = { column = "debt" }
overdue = { column = "overdue" }
overdue_days = { column = "overdue_days" }

[[signal]]
name = "flow"
kind = "number"
column = "flow"
least = 0
title = { zh = "月流水", en = "monthly inflow" }

[[signal]]
name = "late_days"
kind = "number"
column = "late"
least = 0
title = { zh = "历史逾期天数", en = "days late before" }
"""

FIELDS = ("wallet_flow", "past_repayment", "stated_income")
PRODUCT = "merchant_310"
GOOD_ROW = {"id": "x", "age": "40", "income": "120000", "debt": "0", "flow": "9000", "late": "0"}
BAD_ROW = {"id": "x", "age": "40", "income": "120000", "debt": "0", "flow": "150", "late": "40"}


@dataclass
class Bank:
    """A node with a model in force and its lender's books open."""

    node: Node
    operator: Actor
    mapping_digest: str
    model_digest: str
    count: int = 0

    def by(self, name: str, *roles: str) -> Bank:
        """The same bank as somebody else meets it."""
        return replace(self, operator=Actor(name, frozenset(roles)))

    def act(self, use_case: str, key: str, /, **input: Any) -> Any:
        """Run a use case on plain data."""
        return self.node.act(use_case, input, key=key, actor=self.operator)

    def today(self) -> date:
        """The business day of the bank's clock."""
        return business_date(self.node.clock.now_us())

    def person(self, *, consent: bool = True, verified: bool = True) -> str:
        """A new person with a verified identity and a consent to decide on credit."""
        self.count += 1
        number = resident_id(self.count)
        made = self.act(
            "party.register_person",
            f"person-{self.count}",
            name=f"测试{self.count}",
            id_number=number,
            phone=f"138{self.count:08d}",
        )
        party_id: str = made.party_id
        if verified:
            self.act(
                "party.verify_identity",
                f"verify-{self.count}",
                party_id=party_id,
                method="synthetic",
                is_passed=True,
                evidence_digest=hashlib.sha256(b"seen").hexdigest(),
            )
        if consent:
            self.consent(party_id)
        return party_id

    def consent(self, party_id: str) -> str:
        """Consent of a party to a credit decision, for a year."""
        until = business_date(self.node.clock.now_us()).replace(year=2027)
        granted = self.act(
            "data.grant_consent",
            f"consent-{party_id}",
            party_id=party_id,
            purpose="credit_decision",
            fields=FIELDS,
            until=until.isoformat(),
        )
        consent_id: str = granted.consent_id
        return consent_id

    def apply(self, party_id: str, key: str, *, wanted: int = 3_000_000, **more: Any) -> str:
        """An application over ``wanted`` fen; ``row`` may replace the good facts."""
        applied = self.act(
            "lending.apply",
            f"apply-{key}",
            party_id=party_id,
            product=more.pop("product", PRODUCT),
            wanted_minor=wanted,
            mapping=self.mapping_digest,
            row=more.pop("row", GOOD_ROW),
            fields=FIELDS,
            channel="test",
            source_id=key,
            **more,
        )
        application_id: str = applied.application_id
        return application_id

    def decide(self, application_id: str) -> Any:
        """Decide an application."""
        return self.act("lending.decide", f"d-{application_id}", application_id=application_id)

    def accept(self, application_id: str, language: str = "zh") -> Any:
        """Read the contract and accept it."""
        today = business_date(self.node.clock.now_us())
        with self.node.read(is_snapshot=False) as tx:
            contract, _, _ = lending.draft_contract(tx, application_id, today, language)
        return self.act(
            "lending.accept",
            f"a-{application_id}",
            application_id=application_id,
            contract_digest=contract.digest,
            language=language,
        )

    def lend(self, party_id: str, key: str, **more: Any) -> str:
        """From application to money in the wallet; the contract's id."""
        application_id = self.apply(party_id, key, **more)
        decided = self.decide(application_id)
        assert decided.outcome == "approved", decided
        contract_id: str = self.accept(application_id).contract_id
        self.act("lending.disburse", f"m-{application_id}", contract_id=contract_id)
        return contract_id

    def repay(self, contract_id: str, amount: int, key: str) -> Any:
        """Repay from the wallet."""
        return self.act("lending.repay", f"r-{key}", contract_id=contract_id, amount_minor=amount)


def resident_id(number: int) -> str:
    """A resident identity number with a right check digit, of a region without a county."""
    born = date(1970, 1, 1) + timedelta(days=number // 1000)
    body = f"110000{born:%Y%m%d}{number % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def past_loans(count: int = 1200) -> score.Table:
    """Past loans by a seeded draw: little inflow and past delay make a loan worse."""
    dice = random.Random(310)
    rows = []
    for number in range(count):
        flow, late = dice.lognormvariate(8, 1), max(0.0, dice.gauss(2, 12))
        risk = 0.9 / (1 + flow / 1200) + late / 90
        bad = "1" if dice.random() < min(0.95, risk * 0.6) else "0"
        rows.append([str(number), "40", "120000", "0", f"{flow:.2f}", f"{late:.0f}", bad, "30000"])
    return score.Table.of_rows(
        ["id", "age", "income", "debt", "flow", "late", "bad", "amount"], rows
    )


@cache
def trained() -> tuple[score.study.Mapping, score.Model]:
    """The mapping and the card trained by it: once for all tests, it is the same each time."""
    with tempfile.TemporaryDirectory(prefix="puhui-bank-") as folder:
        path = Path(folder) / "test.toml"
        path.write_text(MAPPING, encoding="utf-8")
        mapping = score.study.read_mapping(path)
    return mapping, score.train(past_loans(), mapping, "points", 1)


def open_bank(node: Node, operator: Actor, folder: Path) -> Bank:
    """Put the model in force, open the books; ``folder`` must be there."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping, model = trained()
    lending.keep_mapping(node.home, mapping, MAPPING)
    score.save_model(node.home / "models", model)
    bank = Bank(node, operator, mapping.digest, model.digest)
    bank.act("score.register_model", "model", name=PRODUCT, digest=model.digest)
    bank.act("lending.open_books", "books-CNY", currency="CNY")
    return bank
