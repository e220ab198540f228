"""Merchant-presented codes: characters not bytes, checksums, templates, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Refused
from puhui.payment.formats.emv_qr import (
    build_qr,
    checksum,
    merchant_of,
    parse_qr,
    payload_of,
)
from puhui.payment.nouns.code import MerchantCode, QrObject, QrPayload

SHOP = MerchantCode(
    scheme="puhui",
    digits="620000000018",
    is_dynamic=False,
    category="5411",
    currency="CNY",
    country="CN",
    name="ZHANG GROCERY",
    city="LANKAO",
    language="ZH",
    name_local="张记杂货铺",
    city_local="兰考",
)


def sealed(text: str) -> str:
    """The text with a checksum that is right."""
    return text + "6304" + checksum(text + "6304")


def test_published_payloads(reference_data: Callable[..., Path]) -> None:
    """Five carry their checksum, one a placeholder, one none; all checksums are reproduced."""
    told = json.loads(reference_data("payments", "emv_mpm_vectors.json").read_text("utf-8"))
    assert len(told["vectors"]) == 7
    read = 0
    for vector in told["vectors"]:
        payload = vector["payload"]
        start = payload[: payload.rindex("6304") + 4]
        assert checksum(start) == vector["crc_expected"]
        assert build_qr(parse_qr(start + vector["crc_expected"])) == start + vector["crc_expected"]
        if vector["crc_valid"]:
            read += 1
            assert build_qr(parse_qr(payload)) == payload
        else:
            with pytest.raises(Refused, match=r"code_(checksum|malformed)"):
                parse_qr(payload)
    assert read == 5


def test_the_example_of_the_specification_says_what_it_says() -> None:
    text = (
        "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802"
        "CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.725303156550201"
        "6233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"
    )
    found = merchant_of(parse_qr(text))
    assert (found.name, found.name_local, found.city_local) == (
        "BEST TRANSPORT",
        "最佳运输",
        "北京",
    )
    assert (found.amount_minor, found.currency, found.tip) == (2372, "CNY", "asked")
    assert (found.scheme, found.is_dynamic, found.category) == ("D15600000000", True, "4111")
    payload = parse_qr(text)
    assert payload.value("62", "07") == "A6008667"
    assert payload.value("91", "07") == "12345678"
    assert payload.value("29", "05") == "A93FO3230Q"
    assert payload.value("62", "55") == ""
    assert [path for path, _ in payload.walk()][3:5] == ["29.00", "29.05"]


def test_lengths_count_characters_not_bytes() -> None:
    text = build_qr(payload_of(SHOP))
    assert "0105张记杂货铺" in text
    assert merchant_of(parse_qr(text)) == SHOP


def test_a_dynamic_code_carries_amount_reference_and_tip() -> None:
    bill = replace(
        SHOP, is_dynamic=True, amount_minor=1250, reference="B-17", tip="fixed", tip_minor=100
    )
    text = build_qr(payload_of(bill))
    assert "540512.50" in text
    assert "56041.00" in text
    assert merchant_of(parse_qr(text)) == bill
    share = replace(bill, tip="share", tip_minor=0, tip_basis_points=500)
    assert merchant_of(parse_qr(build_qr(payload_of(share)))) == share
    yen = replace(SHOP, currency="JPY", amount_minor=500)
    assert "5403500" in build_qr(payload_of(yen))


START = "000201" + "5204541153031565802CN5904SHOP6004CITY" + "26090005puhui"


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "character 1: it does not begin"),
        ("http://example.org/pay", "does not begin"),
        (sealed("000202"), "does not begin"),
        ("000201", "checksum .63. is missing"),
        (sealed(START + "0A02"), "'0A' is no id"),
        (sealed(START + "54x1"), "'x1' is no length"),
        (sealed(START + "5400"), "object 54 is empty"),
        (sealed(START + "5420") + "12.50", "says 20 characters"),
        (sealed(START + "5303156"), "character 57: object 53 is there twice"),
        (sealed(START) + "5303156", "follows the checksum|twice"),
        (sealed(START + "54041,50"), "an amount like"),
        (sealed(START + "5502ab"), "made of digits"),
        (sealed(START + "6209" + "0108SHORT"), "object 62.01 says 08"),
        (sealed(START + "80060102ab"), "template 80 begins with its identifier"),
        (sealed(START + "64" + "06" + "0002中文"), None),
        (START + "63051234", "checksum|says"),
        ("000201" + "9" * 600, "longer than 512"),
    ],
)
def test_what_is_not_written_as_it_should_be_is_refused_with_its_place(
    text: str, words: str | None
) -> None:
    if words is None:
        parse_qr(text)
        return
    with pytest.raises(Refused, match=words) as refused:
        parse_qr(text)
    assert refused.value.code == "payment.code_malformed"


def test_one_wrong_character_is_found() -> None:
    text = build_qr(payload_of(SHOP))
    with pytest.raises(Refused, match="code_checksum"):
        parse_qr(text.replace("LANKAO", "LANKA0"))
    assert parse_qr(text[:-4] + text[-4:].lower()) == parse_qr(text)


@pytest.mark.parametrize(
    "dropped, code",
    [("26", "incomplete"), ("52", "incomplete"), ("53", "incomplete"), ("58", "incomplete")],
)
def test_what_a_payer_needs_is_asked_for(dropped: str, code: str) -> None:
    whole = payload_of(SHOP)
    less = QrPayload(tuple(one for one in whole.objects if one.id != dropped))
    with pytest.raises(Refused, match=f"code_{code}"):
        merchant_of(less)


@pytest.mark.parametrize(
    "added, code",
    [
        (QrObject("54", "1.234"), "code_malformed"),
        (QrObject("55", "09"), "code_malformed"),
        (QrObject("55", "02"), "code_incomplete"),
        (QrObject("53", "986"), "code_currency"),
        (QrObject("01", "13"), "code_malformed"),
        (QrObject("64", parts=(QrObject("00", "ZH"),)), "code_incomplete"),
    ],
)
def test_values_that_mean_nothing_here_are_refused(added: QrObject, code: str) -> None:
    kept = [one for one in payload_of(SHOP).objects if one.id != added.id]
    with pytest.raises(Refused, match=code):
        merchant_of(QrPayload((*kept, added)))


def test_what_cannot_be_read_back_is_not_built() -> None:
    with pytest.raises(Refused, match="code_malformed"):
        build_qr(payload_of(replace(SHOP, name="A" * 26)))
    with pytest.raises(Refused, match="code_malformed"):
        build_qr(QrPayload(()))
    with pytest.raises(Refused, match="code_malformed"):
        build_qr(payload_of(replace(SHOP, scheme="x" * 100)))
    with pytest.raises(Refused, match="code_currency"):
        payload_of(replace(SHOP, currency="BRL"))


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(
    free=st.dictionaries(st.sampled_from(["04", "65", "79"]), texts, max_size=3),
    nested=st.dictionaries(
        st.sampled_from(["26", "51", "80", "99"]),
        st.dictionaries(st.sampled_from(["01", "33", "99"]), texts, max_size=2),
        max_size=3,
    ),
    extra=st.lists(texts, max_size=2),
)
def test_every_payload_comes_back(
    free: dict[str, str], nested: dict[str, dict[str, str]], extra: list[str]
) -> None:
    """Reading what was built gives the same objects, and building it again the same text."""
    objects = [QrObject("00", "01"), *(QrObject(tag, value) for tag, value in free.items())]
    for tag, parts in nested.items():
        inner = tuple(QrObject(one, value) for one, value in parts.items())
        objects.append(QrObject(tag, parts=(QrObject("00", "org.example"), *inner)))
    if extra:
        labels = tuple(QrObject(f"{n:02d}", value) for n, value in enumerate(extra, start=1))
        objects.append(QrObject("62", parts=labels))
    text = build_qr(QrPayload(tuple(objects)))
    again = parse_qr(text)
    assert build_qr(again) == text
    assert [one.id for one in again.objects] == [one.id for one in objects]
    assert all(text[one.position - 1 :].startswith(one.id) for _, one in again.walk())


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    for payload in (text, "000201" + text, sealed("000201" + text)):
        try:
            parse_qr(payload)
        except Refused as refused:
            assert refused.code.startswith("payment.code_")
