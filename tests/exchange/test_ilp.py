"""ILPv4 packets: the reference vectors byte by byte, round trips, and what is no packet."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.exchange.formats.ilp import (
    DATA_BYTES_MAX,
    Fulfil,
    Packet,
    Prepare,
    Reject,
    decode,
    encode,
    fulfils,
)
from puhui.kernel.errors import Refused
from tests.exchange.scheme import PATIENT

PREPARE = Prepare(1, "20261127000000000", b"c" * 32, "g.cn.bank", b"")


def test_the_reference_vectors_byte_by_byte(reference_data: Callable[..., Path]) -> None:
    """`ilp_packet_vectors.json`; its fulfilment is not the preimage of its condition."""
    told = json.loads(reference_data("payments", "ilp_packet_vectors.json").read_text())

    def raw(kind: str, field: str) -> bytes:
        return base64.b64decode(told[kind][field])

    prepare = Prepare(
        int(told["prepare"]["amount"]),
        told["prepare"]["expiresAt"],
        raw("prepare", "executionCondition"),
        told["prepare"]["destination"],
        raw("prepare", "data"),
    )
    fulfil = Fulfil(raw("fulfill", "fulfillment"), raw("fulfill", "data"))
    reject = Reject(
        told["reject"]["code"],
        told["reject"]["triggeredBy"],
        told["reject"]["message"],
        raw("reject", "data"),
    )
    for kind, packet in (("prepare", prepare), ("fulfill", fulfil), ("reject", reject)):
        assert encode(packet) == raw(kind, "packet_b64")
        assert decode(raw(kind, "packet_b64")) == packet
    assert fulfils(fulfil, prepare) is told["sha256(fulfillment)==condition"] is False


def test_only_the_preimage_fulfils() -> None:
    preimage = b"p" * 32
    prepare = replace(PREPARE, condition=hashlib.sha256(preimage).digest())
    assert fulfils(Fulfil(preimage), prepare)
    assert not fulfils(Fulfil(b"q" * 32), prepare)
    assert not fulfils(Fulfil(prepare.condition), prepare)


digits = st.text("0123456789", min_size=17, max_size=17)
addresses = st.from_regex(r"[A-Za-z0-9_~-]{1,9}(\.[A-Za-z0-9_~-]{1,9}){0,9}", fullmatch=True)
binary = st.binary(max_size=700)
hashes = st.binary(min_size=32, max_size=32)
packets = st.one_of(
    st.builds(Prepare, st.integers(0, 2**64 - 1), digits, hashes, addresses, binary),
    st.builds(Fulfil, hashes, binary),
    st.builds(
        Reject,
        st.from_regex(r"[FTR][0-9]{2}", fullmatch=True),
        addresses | st.just(""),
        st.text(max_size=200),
        binary,
    ),
)


@PATIENT
@given(packets)
def test_what_is_written_is_read_again(packet: Packet) -> None:
    assert decode(encode(packet)) == packet


@PATIENT
@given(packets, st.data())
def test_a_packet_cut_short_is_none(packet: Packet, data: st.DataObject) -> None:
    written = encode(packet)
    with pytest.raises(Refused, match="bad_packet"):
        decode(written[: data.draw(st.integers(1, len(written) - 1))])


@PATIENT
@given(st.binary(min_size=1, max_size=200))
def test_bytes_are_a_packet_or_refused(data: bytes) -> None:
    try:
        packet = decode(data)
    except Refused as refused:
        assert refused.code == "exchange.bad_packet"
    else:
        assert encode(packet) == data


@pytest.mark.parametrize(
    "packet",
    [
        replace(PREPARE, amount=2**64),
        replace(PREPARE, amount=-1),
        replace(PREPARE, expires_at="2026"),
        replace(PREPARE, condition=b"short"),
        replace(PREPARE, destination=""),
        replace(PREPARE, destination="g..bank"),
        replace(PREPARE, destination="g." + "x" * 1022),
        replace(PREPARE, data=b"x" * (DATA_BYTES_MAX + 1)),
        Fulfil(b"short"),
        Reject("X00", "g.bank", ""),
        Reject("F1", "g.bank", ""),
        Reject("F00", "银行", ""),
    ],
)
def test_a_packet_that_cannot_be_is_not_written(packet: Packet) -> None:
    with pytest.raises(Refused, match="bad_packet"):
        encode(packet)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x0d",
        b"\x0b\x00",
        b"\x0d\x81\x21" + b"f" * 32 + b"\x00",
        b"\x0d\x21" + b"f" * 32 + b"\x00more",
        b"\x0d\x22" + b"f" * 32 + b"\x00\x00",
        b"\x0e\x07F00\x02\xff\xff\x00\x00",
        b"\x0d\xff",
        b"\x0d\x80",
    ],
)
def test_bytes_that_are_no_packet_are_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="bad_packet"):
        decode(data)
