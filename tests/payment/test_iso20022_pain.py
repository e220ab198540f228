"""Files of payments that customers order (pain.001): refused one by one, or whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from puhui.kernel import Refused
from puhui.payment.formats import iso20022
from puhui.payment.nouns.line import PaymentLine, RefusedLine
from puhui.payment.nouns.message import MessageParty
from tests.payment import samples


def test_lines_of_an_order() -> None:
    text = iso20022.write_pain001(samples.INITIATION)
    one, two = iso20022.read_pain001(text)
    assert isinstance(one, PaymentLine)
    assert isinstance(two, PaymentLine)
    assert (one.payment_id, two.payment_id) == ("E-1", "I-2")
    assert (one.payer, one.payee) == ("00ff" * 8, "DE89370400440532013000")
    assert (two.payee, two.purpose, one.remark) == ("p-1", "seed", "工资 三月 R-1")
    assert text.splitlines()[one.line - 1].strip() == b"<CdtTrfTxInf>"
    assert one.line < two.line
    shown = text.replace(b"<InstrId>I-2</InstrId>", b"")
    assert list(iso20022.read_pain001(shown))[1].payment_id == "M-4/P-1/2"


def ordered(*changes: tuple[bytes, bytes]) -> bytes:
    """The order as a file, with texts changed."""
    text = iso20022.write_pain001(samples.INITIATION)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    "change, code, words",
    [
        ((b"DE89370400440532013000", b"DE89370400440532013001"), "value", "check digits"),
        ((b">5493001KJTIIGC8Y1R12<", b">5493001KJTIIGC8Y1R13<"), "value", "LEI"),
        ((b'"CNY">10.05', b'"CNY">10.055'), "value", "more decimals than CNY has"),
        ((b'"CNY">10.05', b'"CNX">10.05'), "value", "no currency in use"),
        ((b'"CNY">10.05', b'"CHF">10.05'), "value", "CHF is not kept here"),
        ((UETR := samples.UETRS[0].encode(), UETR.upper()), "value", "is not formed like"),
        (("工资".encode(), b"x" * 141), "value", "has 141 characters"),
        ((b"SALA", b"SALAR"), "value", "has 5 characters"),
    ],
)
def test_one_wrong_payment_is_refused_and_the_others_go_on(
    change: tuple[bytes, bytes], code: str, words: str
) -> None:
    text = ordered(change)
    one, two = iso20022.read_pain001(text)
    assert isinstance(one, RefusedLine)
    assert isinstance(two, PaymentLine)
    assert (one.code, one.payment_id) == (f"payment.message_{code}", "E-1")
    assert words in one.reason
    assert one.reason.startswith("Line ")
    if "not kept" not in words:
        with pytest.raises(Refused, match=f"message_{code}"):
            iso20022.read_initiation(text)


def test_payments_without_amount_payee_or_method() -> None:
    nought = ordered((b'"CNY">10.05', b'"CNY">0.00'), (b"<CtrlSum>30.05", b"<CtrlSum>20.00"))
    assert [type(one) for one in iso20022.read_pain001(nought)] == [RefusedLine, PaymentLine]
    nobody = ordered((b"<Id>p-1</Id>", b"<Id>p-1</Id><Issr>x</Issr>"))
    assert all(isinstance(one, PaymentLine) for one in iso20022.read_pain001(nobody))
    unnamed = replace(
        samples.INITIATION.orders[0].transfers[1], creditor=MessageParty(name="somebody")
    )
    order = replace(
        samples.INITIATION.orders[0],
        transfers=(samples.INITIATION.orders[0].transfers[0], unnamed),
    )
    text = iso20022.write_pain001(replace(samples.INITIATION, orders=(order,)))
    assert [_code(one) for one in iso20022.read_pain001(text)] == ["", "payment.message_lacking"]
    cheque = ordered((b"<PmtMtd>TRF", b"<PmtMtd>CHK"))
    assert {_code(one) for one in iso20022.read_pain001(cheque)} == {"payment.message_method"}
    equal = ordered(
        (
            b'<InstdAmt Ccy="CNY">10.05</InstdAmt>',
            b'<EqvtAmt><Amt Ccy="CNY">10.05</Amt><CcyOfTrf>USD</CcyOfTrf></EqvtAmt>',
        )
    )
    assert [_code(one) for one in iso20022.read_pain001(equal)] == ["payment.message_lacking", ""]


def _code(line: PaymentLine | RefusedLine) -> str:
    return line.code if isinstance(line, RefusedLine) else ""


def test_payments_for_a_later_day_wait() -> None:
    text = iso20022.write_pain001(samples.INITIATION)
    early = list(iso20022.read_pain001(text, on=date(2026, 3, 1)))
    assert {_code(one) for one in early} == {"payment.message_early"}
    assert [_code(one) for one in iso20022.read_pain001(text, on=date(2026, 3, 2))] == ["", ""]


def test_an_id_that_comes_twice_pays_once() -> None:
    text = ordered((b"<EndToEndId>NOTPROVIDED", b"<EndToEndId>E-1"))
    one, two = iso20022.read_pain001(text)
    assert isinstance(one, PaymentLine)
    assert _code(two) == "payment.message_duplicate"
    flat = b"".join(line.strip() for line in text.splitlines())
    assert [_code(one) for one in iso20022.read_pain001(flat)] == ["", "payment.message_duplicate"]


@pytest.mark.parametrize(
    "change, words",
    [
        ((b"<NbOfTxs>2", b"<NbOfTxs>3"), "NbOfTxs says 3, there are 2"),
        ((b"<CtrlSum>30.05", b"<CtrlSum>30.06"), "CtrlSum says 30.06, the amounts sum to 30.05"),
    ],
)
def test_a_file_that_counts_otherwise_pays_nothing(change: tuple[bytes, bytes], words: str) -> None:
    for read in (iso20022.read_pain001, iso20022.read_initiation):
        with pytest.raises(Refused, match=words) as refused:
            list(read(ordered(change)))  # type: ignore[call-overload]
        assert refused.value.code == "payment.message_sums"


def test_orders_with_one_id_pay_nothing() -> None:
    (order,) = samples.INITIATION.orders
    again = replace(
        order, transfers=tuple(replace(one, uetr="", instruction_id="") for one in order.transfers)
    )
    with pytest.raises(Refused, match=r"PmtInfId 'P-1' stands at line \d+ already") as refused:
        iso20022.write_pain001(replace(samples.INITIATION, control_sum=None, orders=(order, again)))
    assert refused.value.code == "payment.message_duplicate"
