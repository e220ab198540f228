"""Devices without a network: what is paid, what is taken, and everything that must be refused.

Goal: a payee alone finds every forgery, copy and change; one that only two payees together could
find is left to the synchronisation, and said so.
"""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.kernel import Node, Refused
from puhui.offline import (
    OfflineVoucher,
    Purse,
    Request,
    RevocationList,
    check_voucher,
    make_voucher,
    revocation_list,
    take_allowance,
    take_list,
)
from puhui.offline.engines import signature
from puhui.offline.formats import message, rfc9285
from puhui.offline.nouns import Allowance, Payment, Revocation
from puhui.offline.window import (
    public_key_of,
    read_allowance,
    read_list,
    read_payment,
    read_request,
    read_voucher,
    write_list,
    write_request,
    write_voucher,
)
from tests.offline.fair import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    Device,
    fresh_bytes,
    grant,
    payment_text,
    people,
    resigned,
)

OPERATOR = fresh_bytes(32, "operator")
NOW_US = 1_772_413_200_000_000


def signed_allowance(device: Device, *, operator: bytes = OPERATOR, **changes: object) -> Allowance:
    allowance = Allowance(
        id=fresh_bytes(16, "allowance"),
        wallet_key=signature.public_key_of(device.secret),
        pseudonym=fresh_bytes(16, f"pseudonym {device.name}"),
        epoch=1,
        currency="CNY",
        tier=1,
        allowance_limit_minor=10_000,
        single_cap_minor=5_000,
        count_max=4,
        clock_tolerance_s=5_400,
        issued_us=NOW_US,
        expires_us=NOW_US + DAY_US,
        sync_until_us=NOW_US + 3 * DAY_US,
    )
    allowance = replace(allowance, **changes)  # type: ignore[arg-type]
    body = message.allowance_body(allowance)
    return message.signed_allowance(allowance, signature.sign(operator, body))


@pytest.fixture
def pair() -> tuple[Device, Device]:
    """A payer with an allowance, and a payee; no node anywhere."""
    operator_key = _b64(signature.public_key_of(OPERATOR))
    payer, payee = (Device(name, f"party-{name}", operator_key=operator_key) for name in "AB")
    text = message.write_allowance(signed_allowance(payer))
    payer.purse = take_allowance(text, secret=payer.secret, operator_key=operator_key)
    return payer, payee


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def refuses(
    payer: Device, payee: Device, code: str, now_us: int = NOW_US, **changes: object
) -> None:
    """A voucher that the wallet itself signed with ``changes`` is refused with ``code``."""
    request = payee.ask(1_000, now_us)
    kept = payer.purse
    voucher = message.read_voucher(payer.pay(request, now_us))
    payer.purse = kept
    changed = resigned(payer.secret, voucher, **changes)
    with pytest.raises(Refused, match=rf"offline\.{code}"):
        payee.take(payment_text(payer, changed), request, now_us)


def test_a_chain_of_payments_is_taken(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    for amount in (1_000, 2_500, 1):
        request = payee.ask(amount, NOW_US)
        taken = payee.take(payer.pay(request, NOW_US), request, NOW_US)
        assert isinstance(taken, OfflineVoucher)
        assert taken.amount_minor == amount
    assert isinstance(payer.purse, Purse)
    assert (payer.purse.counter, payer.purse.left_minor) == (3, 6_499)
    assert [one.counter for one in payee.taken] == [1, 2, 3]


@pytest.mark.parametrize(
    "code, changes",
    [
        ("over_single", {"amount_minor": 5_001}),
        ("over_count", {"counter": 5, "spent_before_minor": 4_000}),
        ("over_count", {"counter": 0}),
        ("over_allowance", {"counter": 2, "spent_before_minor": 9_001}),
        ("bad_amount", {"amount_minor": 0}),
        ("broken_chain", {"previous": b"x" * 32}),
        ("broken_chain", {"spent_before_minor": 1}),
        ("broken_chain", {"counter": 3, "spent_before_minor": 1}),
        ("wrong_allowance", {"allowance_id": b"y" * 16}),
        ("wrong_payee", {"payee_account_id": 77}),
        ("wrong_amount", {"amount_minor": 999}),
        ("wrong_nonce", {"nonce": b"n" * 16}),
        ("expired", {"time_us": NOW_US + DAY_US + 2 * HOUR_US}),
        ("not_yet", {"time_us": NOW_US - 2 * HOUR_US}),
        ("clock_off", {"time_us": NOW_US + 91 * MINUTE_US}),
    ],
)
def test_what_a_dishonest_wallet_signs_is_refused(
    pair: tuple[Device, Device], code: str, changes: dict[str, object]
) -> None:
    if code in ("over_single", "bad_amount"):
        payer, payee = pair
        request = replace(payee.ask(1_000, NOW_US), amount_minor=changes["amount_minor"])
        honest = replace(request, amount_minor=1_000)
        voucher = message.read_voucher(payer.pay(honest, NOW_US))
        changed = resigned(payer.secret, voucher, **changes)
        with pytest.raises(Refused, match=rf"offline\.{code}"):
            payee.take(payment_text(payer, changed), request, NOW_US)
        return
    refuses(*pair, code, **changes)


def test_a_clock_an_hour_off_is_taken_and_two_hours_are_not(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    for off_us in (HOUR_US, -HOUR_US):
        request = payee.ask(100, NOW_US)
        payee.take(payer.pay(request, NOW_US + off_us), request, NOW_US)
    request = payee.ask(100, NOW_US)
    text = payer.pay(request, NOW_US)
    with pytest.raises(Refused, match=r"offline\.clock_off"):
        payee.take(text, request, NOW_US + 2 * HOUR_US)
    with pytest.raises(Refused, match=r"offline\.not_yet"):
        payee.take(text, request, NOW_US - 2 * HOUR_US)


def test_an_allowance_that_ended_pays_nothing(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    late_us = NOW_US + DAY_US + 2 * HOUR_US
    request = payee.ask(100, late_us)
    with pytest.raises(Refused, match=r"offline\.expired"):
        payer.pay(request, late_us)
    text = payer.pay(request, NOW_US + DAY_US)
    with pytest.raises(Refused, match=r"offline\.expired"):
        payee.take(text, request, late_us)


@pytest.mark.parametrize(
    "amounts, code",
    [
        ([5_001], "over_single"),
        ([5_000, 5_000, 1], "over_allowance"),
        ([1, 1, 1, 1, 1], "over_count"),
        ([0], "bad_amount"),
    ],
)
def test_an_honest_wallet_stops_itself(
    pair: tuple[Device, Device], amounts: list[int], code: str
) -> None:
    payer, payee = pair
    for amount in amounts[:-1]:
        payer.pay(payee.ask(amount, NOW_US), NOW_US)
    with pytest.raises(Refused, match=rf"offline\.{code}"):
        payer.pay(payee.ask(amounts[-1], NOW_US), NOW_US)
    with pytest.raises(Refused, match=r"offline\.wrong_currency"):
        payer.pay(replace(payee.ask(1, NOW_US), currency="USD"), NOW_US)


def test_a_copy_pays_nobody_else_and_not_twice(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    other = Device("C", "party-C", operator_key=payee.operator_key)
    request = payee.ask(1_000, NOW_US)
    text = payer.pay(request, NOW_US)
    payee.take(text, request, NOW_US)
    with pytest.raises(Refused, match=r"offline\.wrong_payee"):
        other.take(text, other.ask(1_000, NOW_US), NOW_US)
    with pytest.raises(Refused, match=r"offline\.wrong_nonce"):
        payee.take(text, payee.ask(1_000, NOW_US), NOW_US)
    with pytest.raises(Refused, match=r"offline\.double_spent"):
        payee.take(text, request, NOW_US)


def test_one_payee_finds_a_double_spend_by_itself(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    backup = payer.purse
    first = payee.ask(1_000, NOW_US)
    payee.take(payer.pay(first, NOW_US), first, NOW_US)
    payer.purse = backup
    second = payee.ask(700, NOW_US)
    with pytest.raises(Refused, match=r"offline\.double_spent"):
        payee.take(payer.pay(second, NOW_US), second, NOW_US)
    third = payee.ask(300, NOW_US)  # follows the second, which this payee never took
    with pytest.raises(Refused, match=r"offline\.(double_spent|broken_chain)"):
        payee.take(payer.pay(third, NOW_US), third, NOW_US)


def test_what_was_left_out_of_the_sum_is_found(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    for amount in (2_000, 2_000):
        request = payee.ask(amount, NOW_US)
        payee.take(payer.pay(request, NOW_US), request, NOW_US)
    refuses(payer, payee, "broken_chain", spent_before_minor=2_001)
    refuses(payer, payee, "double_spent", previous=b"z" * 32)


def test_a_forged_operator_or_another_device_is_refused(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    forged = signed_allowance(payer, operator=fresh_bytes(32, "nobody"))
    for text in (message.write_allowance(forged),):
        with pytest.raises(Refused, match=r"offline\.bad_signature"):
            take_allowance(text, secret=payer.secret, operator_key=payer.operator_key)
    request = payee.ask(1_000, NOW_US)
    voucher = message.read_voucher(payer.pay(request, NOW_US))
    with pytest.raises(Refused, match=r"offline\.bad_signature"):
        payee.take(message.write_payment(Payment(forged, voucher)), request, NOW_US)
    stranger = resigned(payee.secret, voucher)
    with pytest.raises(Refused, match=r"offline\.bad_signature"):
        payee.take(payment_text(payer, stranger), request, NOW_US)
    mine = message.write_allowance(signed_allowance(payer))
    with pytest.raises(Refused, match=r"offline\.wrong_key"):
        take_allowance(mine, secret=payee.secret, operator_key=payer.operator_key)
    richer = replace(signed_allowance(payer), allowance_limit_minor=99_999)
    with pytest.raises(Refused, match=r"offline\.bad_signature"):
        take_allowance(
            message.write_allowance(richer), secret=payer.secret, operator_key=payer.operator_key
        )


def test_no_flipped_bit_is_taken(pair: tuple[Device, Device]) -> None:
    """Every byte of a payment, one bit each, and of a request: always refused, never a crash."""
    payer, payee = pair
    request = payee.ask(1_000, NOW_US)
    text = payer.pay(request, NOW_US)
    data = rfc9285.decode(text.removeprefix(message.PAYMENT_MARK))
    assert len(data) == 360
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        changed = message.PAYMENT_MARK + rfc9285.encode(bytes(damaged))
        with pytest.raises(Refused, match=r"offline\.(bad_message|bad_signature)"):
            payee.take(changed, request, NOW_US)
    asked = rfc9285.decode(write_request(request).removeprefix(message.REQUEST_MARK))
    for at in range(len(asked) * 8):
        flipped = bytearray(asked)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(Refused, match=r"offline\.bad_message"):
            read_request(message.REQUEST_MARK + rfc9285.encode(bytes(flipped)))
    payee.take(text, request, NOW_US)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=60), st.binary(max_size=400).map(rfc9285.encode)))
def test_no_text_breaks_a_reader(text: str) -> None:
    for mark in ("", message.PAYMENT_MARK, message.VOUCHER_MARK, message.LIST_MARK):
        for read in (read_allowance, read_payment, read_voucher, read_request, read_list):
            with pytest.raises(Refused, match=r"offline\.bad_message"):
                read(mark + text)


@given(st.binary(max_size=200))
def test_base45_gives_back_what_it_was_given(data: bytes) -> None:
    assert rfc9285.decode(rfc9285.encode(data)) == data


def test_base45_says_what_the_standard_says() -> None:
    """The examples of RFC 9285, sections 4.3 and 4.4, and what no bytes encode to."""
    for data, text in ((b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581")):
        assert rfc9285.encode(data) == text
        assert rfc9285.decode(text) == data
    assert rfc9285.decode("QED8WEX0") == b"ietf!"
    for wrong in ("GGW", "::", "A", "ab8"):
        with pytest.raises(Refused, match=r"offline\.bad_message"):
            rfc9285.decode(wrong)


def test_papers_come_back_as_they_were_written(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    request = payee.ask(1_234, NOW_US)
    assert isinstance(request, Request)
    assert read_request(write_request(request)) == request
    text = payer.pay(request, NOW_US)
    payment = read_payment(text)
    assert message.write_payment(payment) == text
    assert read_voucher(write_voucher(payment.voucher)) == payment.voucher
    assert read_allowance(message.write_allowance(payment.allowance)) == payment.allowance
    assert payment.allowance.wallet_key == public_key_of(payer.secret)


def test_a_payment_fits_one_code(pair: tuple[Device, Device]) -> None:
    """Measured: 545 characters, version 15 of 40 at error correction M; a request version 5."""
    payer, payee = pair
    request = payee.ask(5_000, NOW_US)
    text = payer.pay(request, NOW_US)
    code = segno.make_qr(text, error="m", boost_error=False)
    assert (len(text), code.mode, code.version) == (545, "alphanumeric", 15)
    asked = segno.make_qr(write_request(request), error="m", boost_error=False)
    assert (len(write_request(request)), asked.version) == (94, 5)


def test_a_list_of_revocations_is_signed_newer_and_heeded(pair: tuple[Device, Device]) -> None:
    payer, payee = pair
    assert payer.purse is not None
    key = payee.operator_key

    def listed(issued_us: int, epoch: int, secret: bytes = OPERATOR) -> str:
        entry = Revocation(payer.purse.allowance.pseudonym, epoch)  # type: ignore[union-attr]
        found = RevocationList(issued_us, (entry,))
        return write_list(
            replace(found, signature=signature.sign(secret, message.list_body(found)))
        )

    payee.revoked = take_list(listed(NOW_US, 1), operator_key=key, held=None)
    request = payee.ask(100, NOW_US)
    payee.take(payer.pay(request, NOW_US), request, NOW_US)  # only epochs below are revoked
    payee.revoked = take_list(listed(NOW_US + 1, 2), operator_key=key, held=payee.revoked)
    request = payee.ask(100, NOW_US)
    with pytest.raises(Refused, match=r"offline\.wallet_revoked"):
        payee.take(payer.pay(request, NOW_US), request, NOW_US)
    with pytest.raises(Refused, match=r"offline\.old_list"):
        take_list(listed(NOW_US, 2), operator_key=key, held=payee.revoked)
    with pytest.raises(Refused, match=r"offline\.bad_signature"):
        take_list(listed(NOW_US + 2, 1, payer.secret), operator_key=key, held=None)
    text = listed(NOW_US + 3, 2)
    data = bytearray(rfc9285.decode(text.removeprefix(message.LIST_MARK)))
    for at in range(len(data)):
        data[at] ^= 1
        damaged = message.LIST_MARK + rfc9285.encode(bytes(data))
        with pytest.raises(Refused, match=r"offline\.bad_(message|signature)"):
            take_list(damaged, operator_key=key, held=None)
        data[at] ^= 1


def test_what_a_node_signs_a_device_takes(sqlite_node: Node) -> None:
    node = sqlite_node
    payer, payee = people(node, "A", "B")
    grant(node, payer)
    now_us = node.clock.now_us()
    with node.read() as tx:
        found = revocation_list(node, tx, now_us=now_us)
    key = node.keys.public_key
    payee.revoked = take_list(write_list(found), operator_key=key, held=None)
    assert payee.revoked.entries == ()
    request = payee.ask(100, now_us)
    text = payer.pay(request, now_us)
    voucher = check_voucher(text, request=request, operator_key=key, now_us=now_us)
    assert voucher.amount_minor == 100
    with pytest.raises(Refused, match=r"offline\.wrong_key"):
        payer.purse, _ = _pay_with(payer, payee, now_us)


def _pay_with(payer: Device, other: Device, now_us: int) -> tuple[Purse, str]:
    """Pay from a purse with the secret of another device."""
    assert payer.purse is not None
    request = write_request(other.ask(1, now_us))
    return make_voucher(payer.purse, request, secret=other.secret, now_us=now_us)
