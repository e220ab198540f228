"""``puhui offline``: devices in folders that pay one another without a network, and their node."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator
from puhui.cli.payment.device import DeviceFile, check_free, device_in, keep, make_device, text_in

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.offline import Purse

SECRET_BYTES, NONCE_BYTES = 32, 16
BATCH_MAX = 8_000
ENDED = ("paid", "part", "unpaid", "late")
"""What a voucher ends as: it is brought in no more."""

offline_app = typer.Typer(
    no_args_is_help=True,
    help=(
        "Pay without a network: a folder is a device. open, grant and sync speak to the node; "
        "ask, pay, accept and show need nothing but the folder. Keys are kept in software: who "
        "copies a folder can spend twice; it is found and bounded, not prevented."
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder that is the device.")]
File = Annotated[str, typer.Argument(metavar="FILE", help="Where the text is; - reads stdin.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="As people write it: 12.50")]
Code = Annotated[Path | None, typer.Option("--code", help="Draw the code to scan: an SVG file.")]


def _now_us() -> int:
    from puhui.kernel.clock import SystemClock

    return SystemClock().now_us()


def _minor(amount: str, currency: str) -> int:
    from puhui.kernel.money import parse_money

    return parse_money(amount, currency).minor


def _money(minor: int, currency: str) -> str:
    from puhui.kernel import Money

    return str(Money(minor, currency))


def _draw(text: str, code: Path | None) -> None:
    if code is None:
        return
    import segno

    drawn = segno.make_qr(text, error="m", boost_error=False)
    drawn.save(str(code), kind="svg", scale=4)
    say.note(f"{code}: version {drawn.version} of 40.")


@offline_app.command("open")
def open_(
    folder: Folder,
    party: Annotated[str, typer.Option(help="Whose device it is: a party of the node.")] = "",
    currency: Annotated[str, typer.Option(help="What it pays in.")] = "CNY",
    deposit: Annotated[str, typer.Option(help="Put money into the wallet first, to try.")] = "",
    as_json: Json = False,
) -> None:
    """Make a device in FOLDER; without --party a new anonymous party is registered for it.

    Example: puhui offline open phone --deposit 500
    """
    from puhui.offline.window import wallet_account
    from puhui.payment import numbers

    check_free(folder)
    secret = secrets.token_bytes(SECRET_BYTES)
    mark = hashlib.sha256(b"device " + secret).hexdigest()[:16]
    with opened() as node:
        party_id = party or _new_party(node, mark)
        account_id = wallet_account(party_id, currency)
        _open_wallet(node, account_id, currency, mark)
        if deposit:
            _deposit(node, account_id, _minor(deposit, currency), currency, mark)
        device = DeviceFile(
            secret.hex(), party_id, f"{account_id:032x}", currency, node.keys.public_key
        )
    make_device(folder, device)
    shown = numbers.shown(account_id)
    say.line(f"{folder} is a device of {party_id}, paid into the wallet {shown}.")
    if as_json:
        say.figures({"party": party_id, "account": device.account_id})


def _new_party(node: Node, mark: str) -> str:
    told = {"source": "offline", "references": (mark,)}
    made = node.act(
        "party.register_parties", told, key=f"cli:offline:{mark}:party", actor=operator()
    )
    return str(made.party_ids[0])


def _open_wallet(node: Node, account_id: int, currency: str, mark: str) -> None:
    """Open the wallet's account, and the bank's own for deposits, where they are not there yet."""
    from puhui.ledger import Account, chart

    flags = Account.DEBITS_MUST_NOT_EXCEED_CREDITS
    accounts = (
        Account(account_id, currency, chart().account("customer_deposit"), flags=flags),
        Account(_funding(currency), currency, chart().account("funding")),
    )
    told = {"accounts": accounts}
    node.act("ledger.create_accounts", told, key=f"cli:offline:{mark}:accounts", actor=operator())


def _funding(currency: str) -> int:
    from puhui.ledger import Account

    return Account.id_of(f"bank:funding:{currency}")


def _deposit(node: Node, account_id: int, amount_minor: int, currency: str, mark: str) -> None:
    from puhui.ledger import Account, Transfer, chart

    transfer = Transfer(
        Account.id_of(f"offline deposit {mark}"),
        _funding(currency),
        account_id,
        amount_minor,
        currency,
        chart().transfer("deposit"),
    )
    told = {"transfers": (transfer,)}
    node.act("ledger.create_transfers", told, key=f"cli:offline:{mark}:deposit", actor=operator())


@offline_app.command("grant")
def grant(
    folder: Folder,
    amount: Amount,
    tier: Annotated[str, typer.Option(help="A tier of offline payments.")] = "small",
    as_json: Json = False,
) -> None:
    """Set money of the wallet aside at the node, and put the signed allowance on the device.

    Example: puhui offline grant phone 100
    """
    from puhui.offline import take_allowance
    from puhui.offline.window import public_key_of

    with device_in(folder) as device, opened() as node:
        secret = bytes.fromhex(device.secret)
        if not device.granting:  # else: asked for before, and the answer was not kept
            device.granted += 1
            device.granting = {
                "party_id": device.party_id,
                "currency": device.currency,
                "allowance_limit_minor": _minor(amount, device.currency),
                "wallet_key": public_key_of(secret).hex(),
                "tier": tier,
            }
            keep(folder, device)
        key = f"cli:offline:{public_key_of(secret).hex()[:32]}:grant:{device.granted}"
        asked, device.granting = device.granting, {}
        try:
            made = node.act("offline.grant_allowance", asked, key=key, actor=operator())
        except Exception as error:
            from puhui.kernel import Refused

            if isinstance(error, Refused):
                keep(folder, device)  # a refusal is an answer
            raise
        purse = take_allowance(made.text, secret=secret, operator_key=device.operator_key)
        device.keep_purse(made.text, purse)
        _fetch_list(node, device)
    granted_minor = made.allowance_limit_minor
    say.line(f"{_money(granted_minor, device.currency)} may be spent without a network.")
    if as_json:
        say.figures({"allowance": made.allowance_id, "allowance_limit_minor": granted_minor})


def _fetch_list(node: Node, device: DeviceFile) -> None:
    from puhui.offline import revocation_list, take_list
    from puhui.offline.window import write_list

    with node.read() as tx:
        found = write_list(revocation_list(node, tx, now_us=node.clock.now_us()))
    take_list(found, operator_key=device.operator_key, held=device.revocations())
    device.revoked = found


@offline_app.command("ask")
def ask(folder: Folder, amount: Amount, code: Code = None) -> None:
    """Print a request for money, for a payer to scan; each is paid once.

    Example: puhui offline ask shop 12.50 > request.txt
    """
    from puhui.offline import Request
    from puhui.offline.window import write_request

    with device_in(folder) as device:
        request = Request(
            int(device.account_id, 16),
            device.currency,
            _minor(amount, device.currency),
            secrets.token_bytes(NONCE_BYTES),
            _now_us(),
        )
        text = write_request(request)
        device.asked.append(text)
    _draw(text, code)
    say.line(text)


@offline_app.command("pay")
def pay(folder: Folder, file: File, code: Code = None) -> None:
    """Pay a request without a network, and print what the payee is to accept.

    Example: puhui offline pay phone request.txt > payment.txt
    """
    with device_in(folder) as device:
        purse, text = _pay(device, text_in(file))
        device.given.append(text)
        left_minor = sum(one.left_minor for one in device.purse_list())
        currency = device.currency
    _draw(text, code)  # only now that the spent counter is on disk
    say.line(text)
    say.note(f"Payment {purse.counter} of this allowance; {_money(left_minor, currency)} left.")


def _pay(device: DeviceFile, request: str) -> tuple[Purse, str]:
    """Pay out of the purse that ends first and can. Refused: ``offline.no_purse``, its own."""
    from puhui.kernel import Refused
    from puhui.offline import make_voucher

    texts = {one[3]: one[0] for one in device.purses}
    refusal = Refused("offline.no_purse", "There is no allowance here: puhui offline grant.")
    for purse in device.purse_list():
        try:
            secret = bytes.fromhex(device.secret)
            moved, text = make_voucher(purse, request, secret=secret, now_us=_now_us())
        except Refused as refused:
            refusal = refused
            continue
        device.keep_purse(texts[purse.previous.hex()], moved)
        return moved, text
    raise refusal


@offline_app.command("accept")
def accept(folder: Folder, file: File, as_json: Json = False) -> None:
    """Check a payment without a network, and keep it to synchronise.

    Example: puhui offline accept shop payment.txt
    """
    from puhui.offline import check_voucher
    from puhui.offline.window import read_voucher

    text = text_in(file)
    with device_in(folder) as device:
        asked, request = device.request_for(read_voucher(text).nonce)
        voucher = check_voucher(
            text,
            request=request,
            operator_key=device.operator_key,
            now_us=_now_us(),
            revoked=device.revocations(),
            held=device.held(),
        )
        device.asked.remove(asked)
        device.taken[text] = ""
        currency = device.currency
    say.line(f"{_money(voucher.amount_minor, currency)} accepted; synchronise to be paid.")
    if as_json:
        say.figures({"voucher": voucher.digest.hex(), "amount_minor": voucher.amount_minor})


@offline_app.command("sync")
def sync(folder: Folder, as_json: Json = False) -> None:
    """Bring the vouchers of a device to the node, and fetch who was revoked; safe to repeat.

    Example: puhui offline sync shop
    """
    with device_in(folder) as device, opened() as node:
        found = []
        texts = sorted(text for text, status in device.taken.items() if status not in ENDED)
        for at in range(0, len(texts), BATCH_MAX):
            found.append(_sync(node, device, texts[at : at + BATCH_MAX]))
        _fetch_list(node, device)
        currency = device.currency
    vouchers = [one for done in found for one in done.vouchers]
    say.table(
        ("voucher", "amount", "paid", "status"),
        [
            (
                one.digest[:16],
                _money(one.amount_minor, currency),
                _money(one.paid_minor, currency),
                one.refusal or one.status,
            )
            for one in vouchers
        ],
        right=(1, 2),
    )
    if as_json:
        say.figures(
            {
                "vouchers": len(vouchers),
                "new": sum(done.new_count for done in found),
                "paid_minor": sum(done.paid_minor for done in found),
                "refused": sum(bool(one.refusal) for one in vouchers),
                "cases": sum(done.case_count for done in found),
            }
        )


def _sync(node: Node, device: DeviceFile, texts: list[str]) -> Any:
    mark = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]
    key = f"cli:offline:sync:{mark}:{node.clock.now_us()}"
    told = {"texts": tuple(texts)}
    done = node.act("offline.sync_vouchers", told, key=key, actor=operator())
    for text, one in zip(texts, done.vouchers, strict=True):
        device.taken[text] = one.refusal or one.status
    return done


@offline_app.command("show")
def show(folder: Folder, as_json: Json = False) -> None:
    """Show what a device can spend, what it gave and what it took.

    Example: puhui offline show phone
    """
    from puhui.offline.window import read_voucher

    with device_in(folder) as device:
        now_us = _now_us()
        alive = [one for one in device.purse_list() if one.allowance.expires_us >= now_us]
        left_minor = sum(one.left_minor for one in alive)
        given_minor = sum(read_voucher(text).amount_minor for text in device.given)
        taken_minor = sum(one.amount_minor for one in device.held())
        say.pairs(
            [
                ("party", device.party_id),
                ("account", device.account_id),
                ("may spend", _money(left_minor, device.currency)),
                ("gave", f"{_money(given_minor, device.currency)} ({len(device.given)})"),
                ("took", f"{_money(taken_minor, device.currency)} ({len(device.taken)})"),
            ]
        )
    if as_json:
        figures = {"left_minor": left_minor, "given_minor": given_minor, "taken_minor": taken_minor}
        say.figures(figures)


@offline_app.command("exposure")
def exposure(
    currency: Annotated[str, typer.Option(help="Of which currency.")] = "CNY",
    as_json: Json = False,
) -> None:
    """What offline payments can cost at most, held against the ledger, and what they have cost.

    Example: puhui offline exposure
    """
    from dataclasses import asdict

    from puhui.offline import exposure as read_exposure

    with opened() as node, node.read() as tx:
        found = read_exposure(tx, currency)
    say.pairs(
        [
            ("open allowances", str(found.allowances)),
            ("sum of their limits", _money(found.allowance_limit_minor, currency)),
            ("cover beside them", _money(found.cover_minor, currency)),
            ("paid out of them", _money(found.paid_minor, currency)),
            ("held by the ledger", _money(found.escrow_minor, currency)),
            ("difference", _money(found.difference_minor, currency)),
            ("cover used so far", _money(found.cover_used_minor, currency)),
            ("left unpaid so far", _money(found.unpaid_minor, currency)),
            ("kept aside for payees", _money(found.aside_minor, currency)),
            ("cases", f"{found.cases}, wallets revoked: {found.wallets_revoked}"),
        ]
    )
    if as_json:
        say.figures(asdict(found))
