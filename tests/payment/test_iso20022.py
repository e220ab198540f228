"""Messages: structures as in the schemas, round trips, samples, sums and ids, line by line."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel import Refused
from puhui.payment.formats import iso20022
from puhui.payment.formats.iso20022.content import currency_digits, is_iban, is_lei
from puhui.payment.formats.iso20022.parser import pieces_of, read_elements
from puhui.payment.nouns.line import PaymentLine, RefusedLine
from puhui.payment.nouns.message import (
    CreditTransferMessage,
    MessageAmount,
    MessageParty,
)
from tests.payment import samples, schema

KINDS: tuple[tuple[str, Any, Any, Any], ...] = (
    (
        "pacs.008.001.08",
        iso20022.write_pacs008,
        iso20022.read_pacs008,
        samples.CREDIT_TRANSFERS,
    ),
    ("pacs.009.001.08", iso20022.write_pacs009, iso20022.read_pacs009, samples.BANK_TRANSFERS),
    ("pacs.002.001.10", iso20022.write_pacs002, iso20022.read_pacs002, samples.STATUSES),
    ("pain.001.001.09", iso20022.write_pain001, iso20022.read_initiation, samples.INITIATION),
    ("camt.053.001.08", iso20022.write_camt053, iso20022.read_camt053, samples.STATEMENTS),
    ("camt.054.001.08", iso20022.write_camt054, iso20022.read_camt054, samples.NOTICES),
)
kinds = pytest.mark.parametrize("name, write, read, message", KINDS, ids=[k[0] for k in KINDS])


@pytest.mark.parametrize("name", schema.MESSAGES)
def test_structures_are_those_of_the_schemas(
    name: str, reference_data: Callable[..., Path]
) -> None:
    derived = schema.structure_of(reference_data("payments", "xsd", f"{name}.xsd"))
    assert derived == (schema.STRUCTURES / f"{name}.txt").read_text("utf-8")


@kinds
def test_what_was_written_is_read_again(name: str, write: Any, read: Any, message: Any) -> None:
    text = write(message)
    assert f'xmlns="urn:iso:std:iso:20022:tech:xsd:{name}"'.encode() in text
    assert read(text) == message
    assert write(read(text)) == text


@kinds
def test_what_was_written_is_valid_by_its_schema(
    name: str, write: Any, read: Any, message: Any, reference_data: Callable[..., Path]
) -> None:
    etree = pytest.importorskip("lxml.etree", reason="lxml is not here to judge by the schema")
    judge = etree.XMLSchema(file=str(reference_data("payments", "xsd", f"{name}.xsd")))
    judge.assertValid(etree.fromstring(write(message)))


def broken(root: Any, chance: random.Random) -> None:
    """Break a document in one place: drop, double, move, rename, empty or change an element."""
    inner = [one for one in root.iter() if one.getparent() is not None]
    if not inner:
        return
    one = chance.choice(inner)
    parent = one.getparent()
    what = chance.randrange(7)
    if what == 0:
        parent.remove(one)
    elif what == 1:
        parent.insert(parent.index(one), one.__copy__())
    elif what == 2 and len(parent) > 1:
        parent.insert(chance.randrange(len(parent)), one)
    elif what == 3:
        one.tag = chance.choice(inner).tag
    elif what == 4:
        one.text = chance.choice(["", " ", "X" * 36, "-1", "1.234567", "2026-02-30", "ZZ", "0"])
    elif what == 5:
        one.attrib.clear()
    else:
        one.set("Ccy", chance.choice(["CNY", "cny", ""]))


@kinds
def test_breaking_it_anywhere_is_judged_as_the_schema_judges(
    name: str, write: Any, read: Any, message: Any, reference_data: Callable[..., Path]
) -> None:
    """Hundreds of broken messages of each kind: refused where invalid, and read where valid,
    but for what we ask beyond the schema (check digits, decimals of a currency)."""
    etree = pytest.importorskip("lxml.etree", reason="lxml is not here to judge by the schema")
    judge = etree.XMLSchema(file=str(reference_data("payments", "xsd", f"{name}.xsd")))
    whole = write(message)
    chance = random.Random(f"broken {name}")
    verdicts = {True: 0, False: 0}
    for _ in range(300):
        root = etree.fromstring(whole)
        for _ in range(chance.randrange(1, 3)):
            broken(root, chance)
        text = etree.tostring(root)
        is_valid = judge.validate(etree.fromstring(text))
        verdicts[is_valid] += 1
        try:
            list(read_elements(pieces_of(text), (name,)))
        except Refused as refused:
            is_more = any(
                word in refused.reason for word in ("check digits", "decimals", "no currency")
            )
            assert not is_valid or is_more, (refused.reason, text)
            assert refused.reason.startswith("Line ")
        else:
            assert is_valid, (judge.error_log, text)
    assert min(verdicts.values()) > 10


SAMPLES_READ = {
    "FI_camt_053_sample.xml.xml": iso20022.read_camt053,
    "pyiso20022_camt053_001_02.xml": iso20022.read_camt053,
    "gistfile1.xml": iso20022.read_initiation,
    "pacs008pkg_pacs.008.001.08.xml": iso20022.read_pacs008,
}
SAMPLES_WITH_A_WRONG_IBAN = {
    "statement_1.xml": iso20022.read_camt053,
    "sepa_payment_naujas_1.xml": iso20022.read_initiation,
    "International_payment_RUB_naujas_1.xml": iso20022.read_initiation,
    "International_payment_USD_naujas_1.xml": iso20022.read_initiation,
}


def test_published_samples(reference_data: Callable[..., Path]) -> None:
    """Each sample of a version that is read is taken; every other is refused with its version."""
    folder = reference_data("payments", "iso20022")
    names = {path.name for path in folder.iterdir() if path.suffix == ".xml"}
    assert len(names) == 42
    for name, read in SAMPLES_READ.items():
        assert read(folder / name).message_id
    for name, read in SAMPLES_WITH_A_WRONG_IBAN.items():
        with pytest.raises(Refused, match=r"LT00\d+' is an IBAN with wrong check"):
            read(folder / name)
    for name in names - set(SAMPLES_READ) - set(SAMPLES_WITH_A_WRONG_IBAN):
        for _, _, read, _ in KINDS:
            with pytest.raises(Refused, match=r"Line \d+: found .*, expected urn:iso") as refused:
                read(folder / name)
            assert refused.value.code == "payment.message_unknown"


def test_refused_samples_are_those_that_the_guide_lists(
    reference_data: Callable[..., Path],
) -> None:
    """By version found: the numbers of files in the table of docs/guides/messages.md."""
    folder, found = reference_data("payments", "iso20022"), Counter[str]()
    for path in set(folder.glob("*.xml")) - {
        folder / name for name in (*SAMPLES_READ, *SAMPLES_WITH_A_WRONG_IBAN)
    }:
        with pytest.raises(Refused) as refused:
            iso20022.read_camt053(path)
        named = re.search(
            r"[a-z]{4}(?:\.\d{3}){2}\.\d\d", refused.value.reason.partition(", exp")[0]
        )
        found[named[0] if named else ""] += 1
    ours = "camt.054.001.04 camt.054.001.02 camt.053.001.04 pain.001.001.08 pacs.002.001.11"
    assert sum(found[name] for name in ours.split()) == 15
    assert found["pacs.002.001.12"] + found["pacs.009.001.10"] == 2
    assert found.total() == 34


def test_files_that_are_no_xml_are_refused(reference_data: Callable[..., Path]) -> None:
    for name in ("invalid_file1", "invalid_file2"):
        with pytest.raises(Refused, match=r"Line [12], column .*: no well-formed XML"):
            iso20022.read_camt053(reference_data("payments", "iso20022", name))


def test_a_sample_says_what_it_says(reference_data: Callable[..., Path]) -> None:
    path = reference_data("payments", "iso20022", "FI_camt_053_sample.xml.xml")
    (statement,) = iso20022.read_camt053(path).statements
    assert (statement.account.iban, statement.sequence) == ("FI7433010001222090", 120)
    assert len(statement.entries) == 10
    first = statement.entries[0]
    assert (first.amount, first.is_credit) == (MessageAmount(100_012, "EUR"), False)
    assert (first.booked_on, first.family, first.status) == (date(2009, 10, 29), "ICDT", "BOOK")


def test_lines_of_a_sample(reference_data: Callable[..., Path]) -> None:
    found = list(iso20022.read_pain001(reference_data("payments", "iso20022", "gistfile1.xml")))
    first = found[0]
    assert isinstance(first, PaymentLine)
    assert (first.line, first.payment_id) == (47, "ABC/4562/2009-09-08")
    assert (first.payer, first.payee) == ("00125574999", "23683707994125")
    assert (first.amount_minor, first.currency, first.purpose) == (10_000_000, "JPY", "CINV")
    path = reference_data("payments", "iso20022", "sepa_payment_naujas_1.xml")
    (only,) = iso20022.read_pain001(path)
    assert isinstance(only, RefusedLine)
    assert only.code == "payment.message_value"


@pytest.mark.parametrize("name", ["uetr", "transfer_id", "instruction_id"])
def test_transfers_with_one_id_are_refused(name: str) -> None:
    one, two = samples.CREDIT_TRANSFERS.transfers
    same = replace(two, **{name: getattr(one, name)})
    with pytest.raises(Refused, match="message_duplicate"):
        iso20022.write_pacs008(replace(samples.CREDIT_TRANSFERS, transfers=(one, same)))


def test_totals_agree() -> None:
    message = samples.CREDIT_TRANSFERS
    for changed in (
        replace(message, total=samples.cny(1)),
        replace(message, total=MessageAmount(123_457, "USD")),
        replace(message, control_sum=Decimal(1)),
    ):
        with pytest.raises(Refused, match="message_sums"):
            iso20022.write_pacs008(changed)


def test_a_statement_leads_from_opening_to_closing() -> None:
    closing = replace(samples.STATEMENT.balances[1], amount=samples.cny(501))
    wrong = replace(samples.STATEMENT, balances=(samples.STATEMENT.balances[0], closing))
    with pytest.raises(Refused, match="message_sums"):
        iso20022.write_camt053(replace(samples.STATEMENTS, statements=(wrong,)))
    twice = replace(samples.STATEMENTS, statements=(samples.STATEMENT, samples.STATEMENT))
    with pytest.raises(Refused, match="message_duplicate"):
        iso20022.write_camt053(twice)


@pytest.mark.parametrize(
    "name", ["bell\x07", "nul\x00", "half \ud800", "not \uffff"], ids=["7", "0", "d800", "ffff"]
)
def test_characters_that_no_message_carries_are_not_written(name: str) -> None:
    party = replace(samples.PAYER, name=name)
    with pytest.raises(Refused, match="message_value"):
        iso20022.write_pain001(replace(samples.INITIATION, initiator=party))


def test_what_the_standard_forbids_is_not_written() -> None:
    for party, code in (
        (replace(samples.PAYER, name="x" * 141), "message_value"),
        (replace(samples.PAYER, country="china"), "message_value"),
        (replace(samples.PAYER, organisation_id="both"), "message_structure"),
        (replace(samples.PAYER, address_lines=("x",) * 8), "message_structure"),
    ):
        with pytest.raises(Refused, match=code):
            iso20022.write_pain001(replace(samples.INITIATION, initiator=party))
    with pytest.raises(Refused, match="message_structure"):
        iso20022.write_pacs008(replace(samples.CREDIT_TRANSFERS, transfers=()))
    with pytest.raises(Refused, match="no currency in use"):
        wrong = replace(samples.CREDIT_TRANSFERS.transfers[0], amount=MessageAmount(1, "XXX"))
        iso20022.write_pacs008(replace(samples.CREDIT_TRANSFERS, transfers=(wrong,)))


chinese = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(names=st.lists(chinese, min_size=1, max_size=4), minor=st.integers(0, 2**50))
def test_any_text_and_amount_comes_back(names: list[str], minor: int) -> None:
    transfers = tuple(
        replace(
            samples.CREDIT_TRANSFERS.transfers[1],
            uetr="",
            amount=MessageAmount(minor, currency),
            remittance=(name,),
            debtor=MessageParty(name=name),
        )
        for name, currency in zip(names, ("CNY", "JPY", "KWD", "CLF"), strict=False)
    )
    message = CreditTransferMessage(
        message_id="M", created=samples.NOW, transfers=transfers, method="CLRG"
    )
    assert iso20022.read_pacs008(iso20022.write_pacs008(message)) == message


@pytest.mark.parametrize(
    "number",
    [
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
    ],
)
def test_check_digits_of_published_examples(number: str) -> None:
    """Examples of the IBAN registry (SWIFT): one wrong sign is found, wherever it stands."""
    assert is_iban(number)
    for place, sign in enumerate(number):
        other = "A" if sign.isalpha() and sign != "A" else "B" if sign == "A" else None
        other = other or str((int(sign) + 1) % 10)
        assert not is_iban(number[:place] + other + number[place + 1 :])
    assert not is_iban("")
    assert not is_iban("DE８９370400440532013000")


def test_check_digits_of_leis() -> None:
    assert is_lei("5493001KJTIIGC8Y1R12")
    assert is_lei("213800WSGIIZCXF1P572")
    assert not is_lei("5493001KJTIIGC8Y1R13")
    assert not is_lei("5493001KJTIIGC8Y1R1")


def test_currencies_have_their_digits() -> None:
    digits = currency_digits()
    assert {code: digits[code] for code in ("CNY", "JPY", "KWD", "CLF")} == {
        "CNY": 2,
        "JPY": 0,
        "KWD": 3,
        "CLF": 4,
    }
    assert "XXX" not in digits
    assert len(digits) > 150
