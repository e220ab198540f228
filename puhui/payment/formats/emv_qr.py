"""Merchant-presented codes to scan: reading and building their payloads (EMVCo QRCPS-MPM 1.1).

A payload is a row of data objects: an id of two digits, a length of two digits, and a value of so
many *characters*; Chinese text in template 64 counts one a character, whatever its bytes. The last
object, 63, is a CRC-16/CCITT-FALSE (polynomial 1021, begun with FFFF) over the UTF-8 bytes of all
that comes before its four digits, "6304" included. Read at two depths: ``parse_qr`` takes every
payload that is written as the specification says, ``merchant_of`` also asks for what a payer needs.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import replace

from puhui.kernel.errors import Refused
from puhui.kernel.money import DIGITS, figure_of
from puhui.payment.nouns.code import MerchantCode, QrObject, QrPayload

PAYLOAD_LENGTH_MAX = 512
"""The longest payload in characters (QRCPS-MPM 1.1, section 3)."""

CRC_TAG = "6304"
STATIC, DYNAMIC = "11", "12"
FORMAT_VERSION = "01"

MERCHANT_PRIMITIVES = range(2, 26)
"""Merchant accounts that are a plain number of a card scheme."""

MERCHANT_TEMPLATES = range(26, 52)
UNRESERVED = range(80, 100)
ADDITIONAL, LANGUAGE = "62", "64"
ADDITIONAL_TEMPLATES = range(50, 100)
"""Inside template 62: payment-system templates, which hold objects of their own."""

LENGTHS = {
    "00": (2, 2),
    "01": (2, 2),
    "52": (4, 4),
    "53": (3, 3),
    "54": (1, 13),
    "55": (2, 2),
    "56": (1, 13),
    "57": (1, 5),
    "58": (2, 2),
    "59": (1, 25),
    "60": (1, 15),
    "61": (1, 10),
    "64.00": (2, 2),
    "64.01": (1, 25),
    "64.02": (1, 15),
    **{f"62.{one:02d}": (1, 25) for one in range(1, 10)},
}
"""Shortest and longest value in characters by path (QRCPS-MPM 1.1, tables 3.6, 3.7 and 3.8).

Object 62.09 has at most three there; published examples carry five, so it is read like the rest.
"""

NUMERIC = frozenset({"00", "01", "52", "53", "55"})
AMOUNT = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")

CURRENCY_NUMBERS = {
    "CNY": "156",
    "USD": "840",
    "EUR": "978",
    "HKD": "344",
    "THB": "764",
    "AED": "784",
    "INR": "356",
    "KES": "404",
    "JPY": "392",
}
"""Three-digit numbers of the currencies that are kept here (ISO 4217, list of 2024-06-25)."""

_TIPS = {"01": "asked", "02": "fixed", "03": "share"}
_TEXTS = (
    ("61", "postal_code"),
    ("62.01", "bill_number"),
    ("62.03", "store"),
    ("62.05", "reference"),
    ("62.07", "terminal"),
    ("62.08", "purpose"),
    ("64.00", "language"),
    ("64.01", "name_local"),
    ("64.02", "city_local"),
)


def checksum(text: str) -> str:
    """The four hexadecimal digits that belong to ``text``, which ends in ``6304``."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def parse_qr(text: str) -> QrPayload:
    """The data objects of a payload, templates opened, after checking lengths and checksum.

    Refused: ``payment.code_malformed`` with the character where reading stopped,
    ``payment.code_checksum``.
    """
    if len(text) > PAYLOAD_LENGTH_MAX:
        raise _malformed(
            PAYLOAD_LENGTH_MAX + 1, f"it is longer than {PAYLOAD_LENGTH_MAX} characters"
        )
    if not text.startswith("000201"):
        raise _malformed(1, "it does not begin with 000201, so it is no code of this kind")
    found = _objects(text, 0, "")
    last = found[-1]
    if last.id != "63":
        raise _malformed(len(text) + 1, "the checksum (63) is missing at the end")
    if len(last.value) != 4:
        raise _malformed(last.position, "the checksum (63) has four characters")
    if last.value.upper() != checksum(text[:-4]):
        raise Refused(
            "payment.code_checksum",
            f"The checksum {last.value!r} at character {last.position} does not match: the code "
            "was read wrongly or altered.",
        )
    return QrPayload(tuple(_opened(one) for one in found[:-1]))


def _malformed(position: int, reason: str) -> Refused:
    return Refused("payment.code_malformed", f"The code at character {position}: {reason}.")


def _objects(text: str, start: int, path: str) -> list[QrObject]:
    """The objects of ``text``; ``start`` characters of the payload come before it."""
    found: list[QrObject] = []
    seen: set[str] = set()
    at = 0
    while at < len(text):
        position, tag, length = start + at + 1, text[at : at + 2], text[at + 2 : at + 4]
        if not re.fullmatch("[0-9]{2}", tag, re.ASCII):
            raise _malformed(position, f"{tag!r} is no id of two digits")
        name = f"{path}{tag}"
        if not re.fullmatch("[0-9]{2}", length, re.ASCII):
            raise _malformed(position + 2, f"{length!r} is no length of two digits (object {name})")
        value = text[at + 4 : at + 4 + int(length)]
        if not value:
            raise _malformed(position, f"object {name} is empty or cut off")
        if len(value) < int(length):
            raise _malformed(
                position, f"object {name} says {length} characters, only {len(value)} follow"
            )
        if tag in seen:
            raise _malformed(position, f"object {name} is there twice")
        if "63" in seen and not path:
            raise _malformed(position, f"object {name} follows the checksum")
        _check_value(name, value, position)
        seen.add(tag)
        found.append(QrObject(tag, value, position=position))
        at += 4 + int(length)
    return found


def _check_value(name: str, value: str, position: int) -> None:
    least, most = LENGTHS.get(name, (1, 99))
    if not least <= len(value) <= most:
        raise _malformed(position, f"object {name} has {least} to {most} characters")
    if name in NUMERIC and not (value.isascii() and value.isdigit()):
        raise _malformed(position, f"object {name} is made of digits, not {value!r}")
    if name in ("54", "56", "57") and not AMOUNT.fullmatch(value):
        raise _malformed(position, f"object {name} is an amount like 12.50, not {value!r}")


def _is_template(path: str) -> bool:
    number = int(path[-2:])
    if path.startswith("62."):
        return number in ADDITIONAL_TEMPLATES and path.count(".") == 1
    is_outer = "." not in path
    is_open = number in MERCHANT_TEMPLATES or number in UNRESERVED
    return is_outer and (is_open or path in (ADDITIONAL, LANGUAGE))


def _opened(one: QrObject, path: str = "") -> QrObject:
    """The object with its parts read, where its id is that of a template."""
    name = f"{path}{one.id}"
    if not _is_template(name):
        return one
    parts = _objects(one.value, one.position + 3, f"{name}.")
    has_identifier = name not in (ADDITIONAL, LANGUAGE)
    if has_identifier and parts[0].id != "00":
        raise _malformed(one.position, f"template {name} begins with its identifier (00)")
    return replace(one, value="", parts=tuple(_opened(part, f"{name}.") for part in parts))


def build_qr(payload: QrPayload) -> str:
    """The payload as text with its checksum; the inverse of ``parse_qr``.

    Refused: ``payment.code_malformed`` for what could not be read back.
    """
    text = "".join(_text_of(one, one.id) for one in payload.objects) + CRC_TAG
    text += checksum(text)
    parse_qr(text)
    return text


def _text_of(one: QrObject, name: str) -> str:
    value = "".join(_text_of(part, f"{name}.{part.id}") for part in one.parts) or one.value
    if not 1 <= len(value) <= 99:
        raise Refused(
            "payment.code_malformed",
            f"Object {name} would have {len(value)} characters: 1 to 99 can be written.",
        )
    return f"{one.id}{len(value):02d}{value}"


def merchant_of(payload: QrPayload) -> MerchantCode:
    """What a payload says to a payer, when all is there that a payment needs.

    Refused: ``payment.code_incomplete`` naming the object, ``payment.code_malformed``,
    ``payment.code_currency``.
    """
    texts = {path: one.value for path, one in payload.walk() if not one.parts}
    scheme, digits = _merchant_number(payload)
    for path, what in (
        ("52", "the merchant's category"),
        ("53", "the currency"),
        ("58", "the country"),
        ("59", "the merchant's name"),
        ("60", "the city"),
    ):
        if path not in texts:
            raise Refused("payment.code_incomplete", f"The code lacks {what} (object {path}).")
    if "64.00" in texts and "64.01" not in texts:
        raise Refused(
            "payment.code_incomplete", "The code has a language but no name in it (object 64.01)."
        )
    currency = next((c for c, n in CURRENCY_NUMBERS.items() if n == texts["53"]), "")
    if not currency:
        raise Refused("payment.code_currency", f"Currency {texts['53']} is not kept here.")
    initiation = texts.get("01", STATIC)
    if initiation not in (STATIC, DYNAMIC):
        raise Refused(
            "payment.code_malformed", f"Object 01 is 11 (static) or 12 (dynamic), not {initiation}."
        )
    tip, tip_minor, tip_basis_points = _tip_of(texts, currency)
    return MerchantCode(
        scheme=scheme,
        digits=digits,
        is_dynamic=initiation == DYNAMIC,
        category=texts["52"],
        currency=currency,
        country=texts["58"],
        name=texts["59"],
        city=texts["60"],
        amount_minor=_minor(texts["54"], DIGITS[currency], "54") if "54" in texts else None,
        tip=tip,
        tip_minor=tip_minor,
        tip_basis_points=tip_basis_points,
        **{field: texts.get(path, "") for path, field in _TEXTS},
    )


def _merchant_number(payload: QrPayload) -> tuple[str, str]:
    for one in payload.objects:
        if int(one.id) in MERCHANT_TEMPLATES:
            parts = {part.id: part.value for part in one.parts}
            return parts["00"], parts.get("01", "")
    for one in payload.objects:
        if int(one.id) in MERCHANT_PRIMITIVES:
            return one.id, one.value
    raise Refused(
        "payment.code_incomplete", "The code names no merchant account (objects 02 to 51)."
    )


def _tip_of(texts: dict[str, str], currency: str) -> tuple[str, int, int]:
    if "55" not in texts:
        return "none", 0, 0
    tip = _TIPS.get(texts["55"])
    if tip is None:
        raise Refused("payment.code_malformed", f"Object 55 is 01, 02 or 03, not {texts['55']}.")
    carrier = {"fixed": "56", "share": "57"}.get(tip)
    if carrier and carrier not in texts:
        raise Refused("payment.code_incomplete", f"The code lacks its tip (object {carrier}).")
    if tip == "fixed":
        return tip, _minor(texts["56"], DIGITS[currency], "56"), 0
    if tip == "share":
        return tip, 0, _minor(texts["57"], 2, "57")
    return tip, 0, 0


def _minor(text: str, digits: int, path: str) -> int:
    """An amount of the code in minor units; more decimals than the currency has are refused."""
    whole, _, rest = text.partition(".")
    if len(rest.rstrip("0")) > digits:
        raise Refused(
            "payment.code_malformed",
            f"Object {path}: {text!r} has more than {digits} decimals.",
        )
    return int((whole or "0") + rest[:digits].ljust(digits, "0"))


def payload_of(code: MerchantCode, *, template: str = "26") -> QrPayload:
    """The payload that says what ``code`` says, the merchant's number in ``template`` (26 to 51).

    Refused: ``payment.code_currency``.
    """
    assert int(template) in MERCHANT_TEMPLATES, template
    number = CURRENCY_NUMBERS.get(code.currency)
    if number is None:
        raise Refused("payment.code_currency", f"Currency {code.currency} is not kept here.")
    digits = DIGITS[code.currency]
    plain = {
        "00": FORMAT_VERSION,
        "01": DYNAMIC if code.is_dynamic else STATIC,
        f"{template}.00": code.scheme,
        f"{template}.01": code.digits,
        "52": code.category,
        "53": number,
        "54": "" if code.amount_minor is None else _figure(code.amount_minor, digits),
        "55": next((number for number, name in _TIPS.items() if name == code.tip), ""),
        "56": _figure(code.tip_minor, digits) if code.tip == "fixed" else "",
        "57": _figure(code.tip_basis_points, 2) if code.tip == "share" else "",
        "58": code.country,
        "59": code.name,
        "60": code.city,
        **{path: getattr(code, field) for path, field in _TEXTS},
    }
    objects: list[QrObject] = []
    for path, value in plain.items():
        outer, _, inner = path.partition(".")
        if not value:
            continue
        if not inner:
            objects.append(QrObject(outer, value))
        elif objects and objects[-1].id == outer:
            objects[-1] = replace(objects[-1], parts=(*objects[-1].parts, QrObject(inner, value)))
        else:
            objects.append(QrObject(outer, parts=(QrObject(inner, value),)))
    return QrPayload(tuple(objects))


def _figure(minor: int, digits: int) -> str:
    return figure_of(minor, digits).replace(",", "")
