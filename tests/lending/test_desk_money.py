"""Attempts to be paid twice, to pay with another's money, and to owe less than was agreed."""

from __future__ import annotations

from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest

from puhui import ledger, lending
from puhui.kernel import Fault, Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.crypto import verify_signature
from puhui.lending.desk.loan.contract import own_account, wallet_account
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_desk_guard import DAY_US, POOR_ROW, code_of, second_product
from tests.lending.test_loan import in_wallet


def together(calls: list[Any]) -> list[Any]:
    """Run calls at the same moment; each answers its outcome or the code of its refusal."""
    barrier, answers = Barrier(len(calls)), [None] * len(calls)

    def run(place: int) -> None:
        barrier.wait(30)
        try:
            answers[place] = calls[place]()
        except Refused as refused:
            answers[place] = refused.code

    threads = [Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def lend(bank: Bank, application_id: str) -> None:
    """Take an application to its end, if it is approved."""
    if bank.decide(application_id).outcome == "approved":
        contract_id = bank.accept(application_id).contract_id
        bank.act("lending.disburse", f"m-{application_id}", contract_id=contract_id)


def many(count: int, call: Any, use_case: str, **named: Any) -> list[Any]:
    """One use case at the same moment under different keys."""
    keys = [f"{use_case}-{number}" for number in range(count)]
    return together([partial(call, use_case, key, **named) for key in keys])


def total_owed(bank: Bank, party_id: str) -> int:
    """What a person owes or has been promised, in fen."""
    with bank.node.read() as tx:
        return sum(loan.principal_minor for loan in lending.desk.read.loans_of(tx, party_id))


def fund(bank: Bank, party_id: str, amount_minor: int, number: int = 77) -> None:
    """Put money into a wallet from outside."""
    bank.act(
        "ledger.create_transfers",
        f"top-up-{number}",
        transfers=[
            {
                "id": number,
                "debit_account_id": own_account("funding", "CNY"),
                "credit_account_id": wallet_account(party_id, "CNY"),
                "amount_minor": amount_minor,
                "ledger": "CNY",
                "code": ledger.chart().transfer("deposit"),
            }
        ],
    )


def test_many_applications_at_once_stay_within_three_incomes(bank: Bank) -> None:
    second_product(bank)
    for number in range(4):
        party_id = bank.person()
        applications = [
            bank.apply(
                party_id,
                f"{number}-{place}",
                row=POOR_ROW,
                wanted=1_600_000,
                product=("merchant_310", "smallfirm")[place % 2],
            )
            for place in range(4)
        ]
        together([partial(lend, bank, one) for one in applications])
        assert total_owed(bank, party_id) == in_wallet(bank, party_id) == 1_600_000


def test_an_offer_accepted_during_another_decision_is_not_missed(bank: Bank) -> None:
    """Accepting moves a promise from one table to another; a decision must see it in one."""
    second_product(bank)
    for number in range(6):
        party_id = bank.person()
        first = bank.apply(party_id, f"{number}-1", row=POOR_ROW, wanted=2_000_000)
        second = bank.apply(
            party_id, f"{number}-2", row=POOR_ROW, wanted=2_000_000, product="smallfirm"
        )
        bank.decide(first)
        _, decided = together([partial(bank.accept, first), partial(bank.decide, second)])
        assert decided.outcome == "refused"
        assert "debt_over_income" in decided.reasons


def test_everything_twice_at_once_happens_once(bank: Bank) -> None:
    party_id = bank.person()
    application_id = bank.apply(party_id, "1")
    named = {"application_id": application_id}
    decisions = many(4, bank.act, "lending.decide", **named)
    assert decisions.count("lending.not_open") == 3
    with bank.node.read() as tx:
        today = business_date(bank.node.clock.now_us())
        digest = lending.draft_contract(tx, application_id, today, "zh")[0].digest
    signed = many(4, bank.act, "lending.accept", **named, contract_digest=digest)
    assert signed.count("lending.not_offered") == 3
    (accepted,) = (one for one in signed if not isinstance(one, str))
    contract = {"contract_id": accepted.contract_id}
    paid = many(4, bank.act, "lending.disburse", **contract)
    assert paid.count("lending.not_signed") == 3
    assert in_wallet(bank, party_id) == 3_000_000
    assert code_of(bank.act, "lending.void_contract", "v", **contract) == "lending.not_signed"
    ended = many(3, bank.act, "lending.repay", **contract, amount_minor=3_000_000)
    assert ended.count("lending.not_running") == 2
    assert in_wallet(bank, party_id) == 0


def test_nothing_is_paid_back_with_money_of_others_or_twice(bank: Bank, clock: FixedClock) -> None:
    rich, poor = bank.person(), bank.person()
    bank.lend(rich, "1")
    contract_id = bank.lend(poor, "2", wanted=1_000_000)
    clock.set_us(clock.now_us() + 10 * DAY_US)
    with bank.node.read() as tx:
        quote = lending.quote_pay_off(tx, contract_id, business_date(clock.now_us()))
    assert quote.interest_minor > 0
    assert code_of(bank.repay, contract_id, quote.total_minor, "short") == "lending.wallet_short"
    for wrong in (0, -1):
        assert code_of(bank.repay, contract_id, wrong, f"{wrong}") == "lending.bad_amount"
    fund(bank, poor, 1_000_000)
    repaid = bank.repay(contract_id, 10**30, "far too much")
    assert repaid.status == "paid_off"
    assert repaid.returned_minor == 10**30 - quote.total_minor
    assert in_wallet(bank, poor) == 2_000_000 - quote.total_minor
    assert in_wallet(bank, rich) == 3_000_000
    assert code_of(bank.repay, contract_id, 1, "once more") == "lending.not_running"
    with bank.node.read() as tx:
        state = lending.loan_state(tx, contract_id, business_date(clock.now_us()))
    assert state.principal_paid_minor == 1_000_000


def test_the_money_goes_where_the_books_are_open(bank: Bank) -> None:
    bank.act("score.register_model", "usd", name="sba_term", digest=bank.model_digest)
    bank.act(
        "lending.set_cut_off",
        "usd-cut-off",
        product="sba_term",
        model_digest=bank.model_digest,
        pd_max="0.5",
        reason="for a test",
    )
    party_id = bank.person()
    application_id = bank.apply(party_id, "1", product="sba_term", wanted=100_000)
    assert bank.decide(application_id).outcome == "approved"
    contract = {"contract_id": bank.accept(application_id, "en").contract_id}
    assert code_of(bank.act, "lending.disburse", "m", **contract) == "lending.books_not_open"
    assert code_of(bank.act, "lending.open_books", "b", currency="XYZ") == "lending.no_currency"
    bank.act("lending.open_books", "usd-books", currency="USD")
    assert bank.act("lending.disburse", "m2", **contract).amount_minor == 100_000
    assert in_wallet(bank, party_id) == 0


@pytest.mark.parametrize("pd_max", ["-0.01", "1.01", "NaN", "inf"])
def test_cut_offs_that_are_none(sqlite_bank: Bank, pd_max: str) -> None:
    bank = sqlite_bank
    told = {"product": "merchant_310", "model_digest": bank.model_digest, "reason": "none"}
    code = code_of(bank.act, "lending.set_cut_off", "c", pd_max=pd_max, **told)
    assert code in ("lending.bad_cut_off", "kernel.bad_input")


def test_only_the_contract_that_was_shown_is_signed(bank: Bank, clock: FixedClock) -> None:
    application_id = bank.apply(bank.person(), "1")
    bank.decide(application_id)
    named = {"application_id": application_id}
    today = business_date(clock.now_us())
    with bank.node.read() as tx:
        chinese, _, _ = lending.draft_contract(tx, application_id, today, "zh")
        english, _, _ = lending.draft_contract(tx, application_id, today, "en")
        tomorrow, _, _ = lending.draft_contract(
            tx, application_id, business_date(clock.now_us() + DAY_US), "zh"
        )
        with pytest.raises(Refused) as caught:
            lending.draft_contract(tx, application_id, today, "fr")
    assert caught.value.code == "lending.no_language"
    for key, shown in {"language": english, "day": tomorrow}.items():
        assert code_of(bank.act, "lending.accept", key, **named, contract_digest=shown.digest) == (
            "lending.contract_changed"
        )
    done = bank.act("lending.accept", "en", **named, contract_digest=english.digest, language="en")
    assert done.contract_digest == english.digest != chinese.digest
    assert verify_signature(bank.node.keys.public_key, english.digest.encode(), done.signature)
    for part in ("Total cost", "Annual percentage rate"):
        assert part in english.text


def test_a_product_that_changes_on_the_way_is_not_sold(
    sqlite_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = sqlite_bank
    open_one, offered = bank.apply(bank.person(), "1"), bank.apply(bank.person(), "2")
    bank.decide(offered)
    change_product(monkeypatch)
    assert code_of(bank.decide, open_one) == "lending.product_changed"
    assert code_of(bank.accept, offered) == "lending.product_changed"


def change_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load every product with another digest, as after an upgrade."""
    from dataclasses import replace

    from puhui.lending.formats.shelf import load_product

    def changed(name: str) -> Any:
        return replace(load_product(name), digest="f" * 64)

    for desk in ("ask.decide", "loan.contract", "ask.review"):
        monkeypatch.setattr(f"puhui.lending.desk.{desk}.load_product", changed)


def test_a_model_that_is_gone_or_changed_decides_nothing(
    sqlite_node: Node, sqlite_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    from puhui.lending.desk import shelf

    bank, party_id = sqlite_bank, sqlite_bank.person()
    application_id = bank.apply(party_id, "1", row=GOOD_ROW)
    none = bank.apply(bank.person(), "2", product="small_loan", wanted=100_000)
    with pytest.raises(Fault, match="no_model"):
        bank.decide(none)
    (path,) = (sqlite_node.home / "models").glob(f"{bank.model_digest}*")
    kept = path.read_bytes()
    shelf._model.cache_clear()
    path.write_bytes(kept.replace(b"0.", b"1.", 1))
    named = {"application_id": application_id}
    with pytest.raises(Fault, match="model_damaged"):
        bank.act("lending.decide", "the same key", **named)
    path.unlink()
    with pytest.raises(Fault, match="model_missing"):
        bank.act("lending.decide", "the same key", **named)
    path.write_bytes(kept)
    assert bank.act("lending.decide", "the same key", **named).outcome == "approved"
    (mapping,) = (sqlite_node.home / "mappings").glob("*.toml")
    text = mapping.read_text("utf-8")
    shelf._mapping.cache_clear()
    mapping.write_text(text.replace("least = 0", "least = 1"), "utf-8")
    assert code_of(bank.apply, party_id, "3") == "lending.mapping_damaged"
    mapping.write_text(text, "utf-8")
