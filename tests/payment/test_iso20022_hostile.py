"""Hostile and broken XML: refused with its line, whatever it tries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Refused
from puhui.payment.formats import iso20022
from puhui.payment.formats.iso20022 import parser
from tests.payment import samples
from tests.payment.test_iso20022 import kinds

WHOLE = iso20022.write_pain001(samples.INITIATION)
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
OPEN = b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">\n<CstmrCdtTrfInitn>\n'


def refusal_of(text: bytes | Path) -> Refused:
    """How both readers of orders refuse the file: with one code and its line."""
    with pytest.raises(Refused) as lines:
        list(iso20022.read_pain001(text))
    with pytest.raises(Refused) as whole:
        iso20022.read_initiation(text)
    assert (lines.value.code, lines.value.reason) == (whole.value.code, whole.value.reason)
    assert lines.value.reason.startswith("Line ")
    return lines.value


def bomb() -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">\n' for n in range(1, 10))
    return HEAD + f'<!DOCTYPE Document [\n<!ENTITY l0 "lol">\n{lines}]>\n'.encode() + OPEN


@pytest.mark.parametrize(
    "text, code, line",
    [
        (bomb(), "xml_forbidden", 2),
        (HEAD + b'<!DOCTYPE a SYSTEM "file:///etc/passwd">\n' + OPEN, "xml_forbidden", 2),
        (HEAD + b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1/">]>', "xml_forbidden", 2),
        (HEAD + b'<!DOCTYPE a [<!ENTITY % x "y"> %x;]>' + OPEN, "xml_forbidden", 2),
        (WHOLE.replace(b"E-1", b"&secret;"), "xml_broken", None),
        (WHOLE.replace(b"tech:xsd", b"tech:xsx"), "message_unknown", 2),
        (WHOLE.replace(b"pain.001.001.09", b"pain.001.001.12"), "message_unknown", 2),
        (WHOLE.replace(b"pain.001.001.09", b"pacs.008.001.08"), "message_unknown", 2),
        (WHOLE.replace(b" xmlns=", b" x="), "message_unknown", 2),
        (WHOLE.replace(b"<GrpHdr>", b'<GrpHdr xmlns="urn:other">'), "message_unknown", 4),
        (WHOLE.replace(b"<GrpHdr>", b'<GrpHdr xmlns="">'), "message_unknown", 4),
        (WHOLE.replace(b"<GrpHdr>", b'<GrpHdr a="1">'), "message_structure", 4),
        (WHOLE.replace(b"<MsgId>", b"free<MsgId>"), "message_structure", 5),
        (WHOLE.replace(b"M-4", b"<b>M-4</b>"), "message_structure", 5),
        (WHOLE.replace(b' Ccy="CNY"', b""), "message_structure", None),
        (WHOLE.replace(b"Document", b"Dokument"), "message_structure", 2),
        (WHOLE.replace(b"M-4", b"\xff\xfe"), "xml_broken", 5),
        (WHOLE.replace(b"M-4", "兰考".encode("gb18030")), "xml_broken", 5),
        (WHOLE.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "xml_broken", 1),
        (WHOLE.replace(b"UTF-8", b"GB18030"), "xml_broken", 1),
        (WHOLE.replace(b"M-4", b"\x00"), "xml_broken", 5),
        (WHOLE.replace(b"M-4", b"x" * 30_000), "xml_bounds", 5),
        (WHOLE.replace(b"<MsgId>", b"<!--" + b"x" * 1_000_000 + b"--><MsgId>"), "xml_bounds", None),
        (WHOLE.replace(b"<GrpHdr>", b"<GrpHdr " + b"a" * 1_000_000 + b">"), "xml_bounds", None),
        (
            WHOLE.replace(
                b"<GrpHdr>", b"<GrpHdr" + b"".join(b' a%d="1"' % n for n in range(99)) + b">"
            ),
            "xml_bounds",
            4,
        ),
        (OPEN + b"<a>" * 100_000, "message_structure", 3),
        (b"", "xml_broken", 1),
        (b"payment_id,payer,payee\n", "xml_broken", 1),
        (WHOLE + b"<Document/>", "xml_broken", None),
    ],
    ids=range(29),
)
def test_hostile_files_are_refused_with_their_line(
    text: bytes, code: str, line: int | None
) -> None:
    refused = refusal_of(text)
    assert refused.code == f"payment.{code}"
    if line is not None:
        assert refused.reason.startswith(f"Line {line}"), refused.reason


@kinds
def test_every_message_is_read_as_warily(name: str, write: Any, read: Any, message: Any) -> None:
    """Entity bombs, files of this machine, other namespaces, bytes that are no text: each reader
    refuses them with the line, whatever the message.
    """
    text = write(message)
    head, rest = text.split(b"?>", 1)
    declared = b'<!DOCTYPE Document SYSTEM "file:///etc/passwd">'
    other = "pacs.009.001.08" if name.startswith("pain") else "pain.001.001.09"
    for wrong, code in (
        (bomb() + rest, "xml_forbidden"),
        (head + b"?>" + declared + rest, "xml_forbidden"),
        (text.replace(name.encode(), other.encode(), 1), "message_unknown"),
        (text.replace(b" xmlns=", b" x=", 1), "message_unknown"),
        (text.replace(b"tech:xsd", b"tech:xsx", 1), "message_unknown"),
        (text.replace(b"<MsgId>", b"<MsgId>\xff\xfe", 1), "xml_broken"),
        (text.replace(b"<MsgId>", b"<MsgId>" + b"x" * 30_000, 1), "xml_bounds"),
        (text[: len(text) // 2], "xml_broken"),
        (b"", "xml_broken"),
    ):
        with pytest.raises(Refused) as refused:
            read(wrong)
        assert refused.value.code == f"payment.{code}", wrong[:200]
        assert refused.value.reason.startswith("Line "), refused.value.reason


def test_deep_nesting_is_refused_where_anything_is_allowed() -> None:
    more = b"<SplmtryData><Envlp>" + b"<a>" * 1000 + b"</a>" * 1000 + b"</Envlp></SplmtryData>"
    text = WHOLE.replace(b"</CstmrCdtTrfInitn>", more + b"</CstmrCdtTrfInitn>")
    assert refusal_of(text).code == "payment.xml_bounds"
    few = text.replace(b"<a>" * 1000, b"<a><b:c xmlns:b='x'>y</b:c></a>").replace(
        b"</a>" * 1000, b""
    )
    assert iso20022.read_initiation(few) == samples.INITIATION, "what we do not use is passed over"
    none = text.replace(b"<a>" * 1000, b"").replace(b"</a>" * 1000, b"")
    assert refusal_of(none).code == "payment.message_structure"


def test_fifty_megabytes_are_refused_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.write(HEAD + OPEN)
        for _ in range(parser.SIZE_MAX // 60_000 + 1):
            file.write(b"<!-- comment -->\n" * 4_000)
    refused = refusal_of(path)
    assert refused.code == "payment.xml_too_large"
    assert "50,000,000 bytes" in refused.reason
    assert int(refused.reason.split()[1].strip(":")) > 1_000_000


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no_file"):
        list(iso20022.read_pain001(tmp_path / "none.xml"))


@given(st.integers(0, len(WHOLE) - 12))
def test_a_file_that_ends_early_pays_nothing(end: int) -> None:
    refused = refusal_of(WHOLE[:end])
    assert refused.code == "payment.xml_broken"


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3))
def test_changed_bytes_are_read_or_refused(at: int, other: bytes) -> None:
    text = WHOLE[:at] + other + WHOLE[at + len(other) :]
    try:
        list(iso20022.read_pain001(text))
    except Refused as refused:
        assert refused.reason.startswith("Line ")


def test_pieces_of_any_size_make_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "PIECE", 7)
    assert iso20022.read_initiation(WHOLE) == samples.INITIATION
