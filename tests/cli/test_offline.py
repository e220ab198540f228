"""`puhui offline`: two folders pay one another without a node, then are paid by it.

Goal: a stranger tries it with two folders; nothing between open and sync needs the node.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from puhui.offline.window import public_key_of
from tests.cli.program import Program

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def devices(program: Program, tmp_path: Path) -> tuple[Path, Path]:
    """A phone with 500 yuan in its wallet and 100 to spend, and a shop."""
    phone, shop = tmp_path / "phone", tmp_path / "shop"
    assert program("offline", "open", phone, "--deposit", "500").code == 0
    assert program("offline", "open", shop, "--json").figures["party"].startswith("party-")
    granted = program("offline", "grant", phone, "100", "--json")
    assert granted.figures["allowance_limit_minor"] == 10_000
    return phone, shop


def paid(program: Program, phone: Path, shop: Path, amount: str, folder: Path) -> Path:
    """The payment of a request, as a file."""
    request, payment = folder / f"ask {amount}.txt", folder / f"pay {amount}.txt"
    asked = program("offline", "ask", shop, amount, "--code", folder / "ask.svg")
    assert "version 5" in asked.err
    request.write_text(asked.out)
    done = program("offline", "pay", phone, request)
    assert done.code == 0, done.said
    payment.write_text(done.out)
    return payment


def test_two_folders_pay_without_a_node(
    program: Program, devices: tuple[Path, Path], tmp_path: Path
) -> None:
    phone, shop = devices
    home = program.home
    away = home.rename(home.with_name("away"))
    for amount in ("12.50", "20"):
        payment = paid(program, phone, shop, amount, tmp_path)
        accepted = program("offline", "accept", shop, payment, "--json")
        assert accepted.figures["amount_minor"] == int(float(amount) * 100)
        again = program("offline", "accept", shop, payment)
        assert (again.code, "offline.wrong_nonce" in again.err) == (2, True)
    assert program("offline", "show", phone, "--json").figures == {
        "left_minor": 6_750, "given_minor": 3_250, "taken_minor": 0,
    }  # fmt: skip
    assert not home.exists(), "no node was opened"
    away.rename(home)
    done = program("offline", "sync", shop, "--json")
    assert done.figures == {"vouchers": 2, "new": 2, "paid_minor": 3_250, "refused": 0, "cases": 0}
    assert program("offline", "sync", shop, "--json").figures["new"] == 0
    seen = program("offline", "exposure", "--json").figures
    assert (seen["difference_minor"], seen["paid_minor"]) == (0, 3_250)
    assert program("ledger", "verify").code == 0


def test_a_copied_folder_is_found_out(
    program: Program, devices: tuple[Path, Path], tmp_path: Path
) -> None:
    phone, shop = devices
    copy = tmp_path / "copy"
    shutil.copytree(phone, copy)
    for payer, amount in ((phone, "40"), (copy, "30")):
        payment = paid(program, payer, shop, amount, tmp_path)
        taken = program("offline", "accept", shop, payment)
    assert (taken.code, "offline.double_spent" in taken.err) == (2, True)
    other = tmp_path / "stall"
    program("offline", "open", other)
    payment = paid(program, copy, other, "30", tmp_path)
    assert program("offline", "accept", other, payment).code == 0
    assert program("offline", "sync", shop, "--json").figures["cases"] == 0
    assert program("offline", "sync", other, "--json").figures["cases"] == 1
    refused = program("offline", "grant", phone, "10")
    assert (refused.code, "offline.wallet_revoked" in refused.err) == (2, True)
    late = paid(program, phone, shop, "1", tmp_path)
    assert program("offline", "accept", shop, late).code == 0, "the shop has an older list"
    program("offline", "sync", shop)
    late = paid(program, phone, shop, "2", tmp_path)
    ended = program("offline", "accept", shop, late)
    assert (ended.code, "offline.wallet_revoked" in ended.err) == (2, True)


def test_what_cannot_be_done_is_said(
    program: Program, devices: tuple[Path, Path], tmp_path: Path
) -> None:
    phone, shop = devices
    for code, words in {
        "offline.no_device": ("show", tmp_path / "nowhere"),
        "offline.device_exists": ("open", phone),
        "offline.over_tier": ("grant", phone, "5000"),
        "offline.wallet_short": ("grant", shop, "10"),
        "kernel.bad_amount": ("ask", shop, "ten"),
    }.items():
        ended = program("offline", *words)
        assert (ended.code, code in ended.err) == (2, True), ended.said
    request = tmp_path / "request.txt"
    request.write_text(program("offline", "ask", phone, "1").out)
    ended = program("offline", "pay", shop, request)
    assert (ended.code, "offline.no_purse" in ended.err) == (2, True)
    request.write_text(program("offline", "ask", shop, "51").out)
    ended = program("offline", "pay", phone, request)
    assert (ended.code, "offline.over_single" in ended.err) == (2, True)
    request.write_text("PHR1:" + "A" * 90)
    ended = program("offline", "pay", phone, request)
    assert (ended.code, "offline.bad_message" in ended.err) == (2, True)
    assert (phone / "wallet.json").stat().st_mode & 0o077 == 0, "nobody else reads the key"


def test_a_grant_cut_short_is_asked_for_again(program: Program, devices: tuple[Path, Path]) -> None:
    """The node granted, and the device was cut off before it kept the answer."""
    phone, _ = devices
    before = (phone / "wallet.json").read_text()
    assert program("offline", "grant", phone, "60").code == 0
    told = json.loads(before)
    public = json.loads((phone / "wallet.json").read_text())
    told["granted"] = public["granted"]
    told["granting"] = {
        "party_id": told["party_id"], "currency": "CNY", "allowance_limit_minor": 6_000,
        "wallet_key": public_key_of(bytes.fromhex(told["secret"])).hex(), "tier": "small",
    }  # fmt: skip
    (phone / "wallet.json").write_text(json.dumps(told))
    again = program("offline", "grant", phone, "99", "--json")
    assert again.figures["allowance_limit_minor"] == 6_000, "the one asked for before"
    assert program("offline", "exposure", "--json").figures["allowances"] == 2
    assert json.loads((phone / "wallet.json").read_text())["granting"] == {}
