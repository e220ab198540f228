"""Messages between banks from the command line: read, taken in once, answered, written."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from puhui.kernel import Node
from puhui.kernel.clock import business_date
from puhui.node import open_node
from puhui.payment import wallet_account
from puhui.payment.formats.iso20022 import (
    read_camt053,
    read_camt054,
    read_pacs002,
    read_pacs008,
    read_pacs009,
    write_camt053,
    write_pacs002,
    write_pacs008,
    write_pacs009,
    write_pain001,
)
from puhui.payment.nouns.message import AccountNumber, CreditTransferMessage, MessageParty
from puhui.payment.window import messages
from tests.cli.program import Program
from tests.exchange.scheme import STAFF as OPERATOR
from tests.exchange.scheme import Scheme, act, top_up
from tests.party.people import register_person
from tests.payment import samples
from tests.payment.samples import BANK, NOW, OTHER, PAYER, cny

pytestmark = pytest.mark.xdist_group("cli")
UETR = "86d7da8e-6e41-4466-b9bb-{:012x}"


def credit(number: int, minor: int, account: str = "", party: str = "") -> object:
    """One credit for a wallet, by the number of its account or by its party."""
    (first, *_) = samples.CREDIT_TRANSFERS.transfers
    return dataclasses.replace(
        first,
        end_to_end_id=f"E-{number}",
        transfer_id=f"T-{number}",
        instruction_id=f"I-{number}",
        uetr=UETR.format(number),
        amount=cny(minor),
        instructed=None,
        exchange_rate=None,
        debtor=PAYER,
        creditor=MessageParty(name=party or "收款人"),
        creditor_account=AccountNumber(other_id=account) if account else AccountNumber(),
    )


def message(*transfers: object, name: str = "M-1") -> bytes:
    """Credits between banks."""
    return write_pacs008(
        CreditTransferMessage(
            name, NOW, tuple(transfers), instructing_agent=BANK, instructed_agent=OTHER
        )
    )


def people(node: Node) -> tuple[str, str]:
    """Two parties with wallets on record, and the account that money comes in by."""
    found = register_person(node, 1), register_person(node, 2)
    for party_id in found:
        top_up(node, party_id, "CNY", 1)
        told = {"party_id": party_id, "currency": "CNY"}
        node.act("payment.open_wallet", told, key=f"open {party_id}", actor=OPERATOR)
    return found


def test_every_kind_is_told(program: Program, tmp_path: Path) -> None:
    statement = samples.STATEMENTS
    for name, text, words in (
        ("pacs.008", write_pacs008(samples.CREDIT_TRANSFERS), ("1,234.56 CNY", "张三", "Müller")),
        ("pacs.009", write_pacs009(samples.BANK_TRANSFERS), ("5,000 JPY",)),
        ("pacs.002", write_pacs002(samples.STATUSES), ("ACSC", "RJCT", "PART")),
        ("pain.001", write_pain001(samples.INITIATION), ("CNY",)),
        ("camt.053", write_camt053(statement), ()),
    ):
        file = tmp_path / f"{name}.xml"
        file.write_bytes(text)
        told = program("message", "read", file, "--json")
        assert (told.code, told.figures["kind"]) == (0, name), told.said
        assert told.figures["rows"] > 0
        assert messages.read_message(file)[0] == name
        for word in words:
            assert word in told.out, (name, word, told.out)


def test_what_is_no_message_is_refused_with_its_line(program: Program, tmp_path: Path) -> None:
    text = write_pacs008(samples.CREDIT_TRANSFERS).decode()
    for content, code in (
        (text.replace("<EndToEndId>", "<Wrong/><EndToEndId>", 1), "payment.message_structure"),
        (text.replace("pacs.008.001.08", "pacs.008.001.99"), "payment.message_unknown"),
        ("<a/>", "payment.message_unknown"),
        (text[:-30], "payment.xml_broken"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "payment.xml_forbidden"),
    ):
        (tmp_path / "bad.xml").write_text(content, "utf-8")
        ended = program("message", "read", tmp_path / "bad.xml")
        assert (ended.code, f"({code})" in ended.err, "Line " in ended.err) == (2, True, True), (
            ended.said
        )
    assert "(payment.no_file)" in program("message", "read", tmp_path / "none.xml").err


def test_credits_come_in_once_and_are_answered(program: Program, tmp_path: Path) -> None:
    node = open_node(program.home)
    one, two = people(node)
    node.close()
    account = f"{wallet_account(one, 'CNY'):032x}"
    file, answer = tmp_path / "in.xml", tmp_path / "out.xml"
    file.write_bytes(
        message(
            credit(1, 5_000, account),
            credit(2, 700, party=two),
            credit(3, 10, "f" * 32),
            credit(4, 10),
        )
    )
    done = program("message", "take", file, "--answer", answer, "--json")
    assert done.code == 0, done.said
    assert done.figures == {"payments": 4, "posted": 2, "repeated": 0, "rejected": 2}
    status = read_pacs002(answer)
    assert [one.status for one in status.originals] == ["PART"]
    assert [one.status for one in status.statuses] == ["ACSC", "ACSC", "RJCT", "RJCT"]
    assert [one.uetr for one in status.statuses] == [UETR.format(n) for n in (1, 2, 3, 4)]
    assert status.statuses[2].reasons[0].code == "AC01"
    assert status.instructed_agent == BANK
    again = program("message", "take", file, "--answer", answer, "--json")
    assert again.figures == {"payments": 4, "posted": 0, "repeated": 2, "rejected": 2}
    assert [one.status for one in read_pacs002(answer).statuses][:2] == ["ACSC", "ACSC"]
    # The same UETR in another message, for another amount: rejected as used.
    file.write_bytes(message(credit(1, 6_000, account), name="M-2"))
    other = program("message", "take", file, "--answer", answer, "--json")
    assert other.figures["rejected"] == 1
    assert read_pacs002(answer).statuses[0].reasons[0].code == "AM05"
    assert [one.status for one in read_pacs002(answer).originals] == ["RJCT"]
    notice = tmp_path / "notice.xml"
    told = program("message", "credits", one, "--out", notice, "--json")
    assert told.code == 0, told.said
    entries = read_camt054(notice).statements[0].entries
    assert (5_000, True) in [(entry.amount.minor, entry.is_credit) for entry in entries]
    assert all(entry.is_credit for entry in entries)


def test_what_brings_no_credits_is_refused(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "in.xml"
    file.write_bytes(write_pacs009(samples.BANK_TRANSFERS))
    wrong = program("message", "take", file, "--answer", tmp_path / "out.xml")
    assert (wrong.code, "(payment.not_credits)" in wrong.err) == (2, True)
    assert not (tmp_path / "out.xml").exists()
    assert program("message", "take", file, "--answer", file).code == 2


def test_what_went_out_is_written(program: Program, tmp_path: Path) -> None:
    node = open_node(program.home)
    scheme, payer = Scheme(node), register_person(node, 1)
    payee = register_person(node, 2)
    top_up(node, payer, "CNY", 100_000)
    ends = {
        "pacs.008": (f"party:{payer}", f"party:{payee}"),
        "pacs.009": (f"participant:{scheme.payer_bank}", f"participant:{scheme.payee_bank}"),
    }
    made = {}
    for kind, (source, target) in ends.items():
        scheme.one.offer(node)
        pair = {"source_currency": "CNY", "target_currency": "USD"}
        told = {"payer": source, "payee": target, **pair}
        told |= {"amount_kind": "send", "amount_minor": 10_000}
        made[kind] = act(node, "remit", told)
    preimage = (b"what fulfils a leg of a message."[:32]).hex()
    condition = hashlib.sha256(bytes.fromhex(preimage)).hexdigest()
    act(node, "prepare_leg", scheme.leg("leg-1", condition))
    node.close()
    out = tmp_path / "out.xml"
    early = program("message", "write", "leg-1", "--out", out)
    assert (early.code, "(cli.leg_not_paid)" in early.err) == (2, True), early.said
    node = open_node(program.home)
    act(node, "fulfil_leg", {"leg_id": "leg-1", "preimage": preimage})
    node.close()
    for kind, remittance in made.items():
        written = program("message", "write", remittance.id, "--out", out, "--json")
        assert (written.code, written.figures["kind"]) == (0, kind), written.said
        (one,) = (read_pacs008 if kind == "pacs.008" else read_pacs009)(out).transfers
        assert (one.amount.minor, one.amount.currency) == (remittance.target_minor, "USD")
        assert one.uetr and remittance.id in one.remittance
    (paid,) = read_pacs008(_written(program, made["pacs.008"].id, out)).transfers
    assert paid.instructed is not None
    told = made["pacs.008"]
    assert (paid.instructed.minor, paid.instructed.currency) == (told.changed_minor, "CNY")
    assert paid.creditor_account.other_id == f"{wallet_account(payee, 'USD'):032x}"
    (leg,) = read_pacs009(_written(program, "leg-1", out)).transfers
    assert (leg.amount.minor, leg.debtor.other_id) == (10_000, scheme.payer_bank[:35])
    for name, code in (("remittance-x", "unknown_remittance"), ("x", "unknown_leg")):
        assert f"(exchange.{code})" in program("message", "write", name, "--out", out).err


def _written(program: Program, name: str, out: Path) -> Path:
    assert program("message", "write", name, "--out", out).code == 0
    return out


def test_our_statement_read_back_says_what_the_books_say(program: Program, tmp_path: Path) -> None:
    node = open_node(program.home)
    one, two = people(node)
    told = {"payer_id": one, "payee": two, "amount_minor": 1, "currency": "CNY"}
    node.act("payment.pay", told, key="pay", actor=OPERATOR)
    node_month = f"{business_date(node.clock.now_us()):%Y-%m}"
    node.close()
    out = tmp_path / "statement.xml"
    written = program(
        "ledger", "statement", one, "--month", node_month, "--format", "camt053", "--out", out
    )
    assert written.code == 0, written.said
    same = program("message", "compare", out, "--json")
    assert (same.code, same.figures) == (0, {"statements": 1, "differences": 0}), same.said
    message_ = read_camt053(out)
    (statement,) = message_.statements
    changed = dataclasses.replace(statement, entries=(), balances=tuple(
        dataclasses.replace(b, amount=cny(9)) for b in statement.balances))  # fmt: skip
    out.write_bytes(write_camt053(dataclasses.replace(message_, statements=(changed,))))
    other = program("message", "compare", out, "--json")
    assert (other.code, other.figures["differences"] > 2) == (1, True), other.said
    assert "only we have" in other.out
    out.write_bytes(write_pacs009(samples.BANK_TRANSFERS))
    assert program("message", "compare", out).code == 2


def test_a_file_of_payments_is_written_as_an_order_and_paid_as_that(
    program: Program, tmp_path: Path
) -> None:
    """The same payments, whichever file they stand in: paid once between the two."""
    node = open_node(program.home)
    payer, payee = register_person(node, 1), register_person(node, 2)
    top_up(node, payer, "CNY", 100_000)
    top_up(node, payee, "CNY", 1)
    node.close()
    file, order = tmp_path / "wages.csv", tmp_path / "wages.xml"
    rows = [f"w-{at},{payer},{payee},1{at}.50,,工资" for at in range(3)]
    rows += [f"{'x' * 36},{payer},{payee},1,,"]
    file.write_text("\n".join(["付款编号,付款人,收款人,金额,币种,附言", *rows]), "utf-8")
    written = program("message", "write", file, "--out", order, "--json")
    assert written.code == 0, written.said
    assert (written.figures["payments"], written.figures["refused_rows"]) == (3, 1)
    assert "at most" in written.out
    paid = program("pay", order, "--json").figures
    assert (paid["payments"], paid["posted"], paid["refused_rows"]) == (3, 3, 0)
    again = program("pay", file, "--json").figures
    assert (again["posted"], again["repeated"]) == (1, 3), "a payment id of a payer is one payment"
    assert program("message", "write", file, "--out", file).code == 2
    assert program("message", "write", tmp_path / "none.csv", "--out", order).code == 2
