"""``puhui exchange``: a provider's own key, and quotes signed with it away from any node."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puhui.cli import say
from puhui.cli.payment.exchange_desk import desk_app as exchange_app

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

signing_app = exchange_app
"""What providers do stands beside what operators do."""

KEY_BYTES_MAX = 10_000
Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
KeyFile = Annotated[
    Path, typer.Option("--key", metavar="KEY.pem", help="The key that 'make-key' has made.")
]
Password = Annotated[
    str,
    typer.Option(envvar="PUHUI_KEY_PASSWORD", help="Of the key file, where it was made with one."),
]


def _public_text(key: Ed25519PrivateKey) -> str:
    """The public half in base64, as the operator of a node registers it."""
    import base64

    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _load(path: Path, password: str) -> Ed25519PrivateKey:
    """The key of a file. Bad parameter: none is there, or it opens with no such password."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(
            path.read_bytes()[:KEY_BYTES_MAX], password.encode() if password else None
        )
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}.") from None
    except (TypeError, ValueError):
        raise typer.BadParameter(
            f"{path} is no key that opens with this password (PUHUI_KEY_PASSWORD)."
        ) from None
    if not isinstance(found, Ed25519PrivateKey):
        raise typer.BadParameter(f"{path} holds a key of another kind: quotes need Ed25519.")
    return found


def _sign(key: Ed25519PrivateKey, data: bytes) -> str:
    import base64

    return base64.b64encode(key.sign(data)).decode()


@exchange_app.command("make-key")
def make_key(
    file: Annotated[Path, typer.Argument(metavar="KEY.pem", help="Where the key is to lie.")],
    password: Password = "",
    as_json: Json = False,
) -> None:
    """Make the key that a provider signs quotes with, and show its public half.

    The file is for you alone: whoever has it quotes in your name. It is never written over. Give
    the public key to the operator of each node where you have positions.

    Example: puhui exchange make-key provider.pem
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        locked = serialization.BestAvailableEncryption(password.encode())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise typer.BadParameter(f"{file} is there already; a key is not written over.") from None
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "wb") as out:
        out.write(text)
    say.line(f"The key lies in {file}, {'with' if password else 'without'} a password.")
    say.line(f"Its public key: {_public_text(key)}")
    if as_json:
        say.figures({"public_key": _public_text(key), "file": str(file)})


@exchange_app.command("show-key")
def show_key(key: KeyFile, password: Password = "", as_json: Json = False) -> None:
    """Show the public half of a key once more.

    Example: puhui exchange show-key --key provider.pem
    """
    public_key = _public_text(_load(key, password))
    say.line(public_key)
    if as_json:
        say.figures({"public_key": public_key})


@exchange_app.command("sign-quote")
def sign_quote(
    file: Annotated[Path, typer.Argument(metavar="QUOTE.json", help="What you offer.")],
    key: KeyFile,
    password: Password = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Where the signed quote is to lie.")
    ] = None,
    minutes: Annotated[
        int, typer.Option(min=0, help="How long it holds from now; 0: what the file says.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Sign a quote, with no network and no node: what comes out is ready to be posted.

    QUOTE.json names id, provider_id, source_currency, target_currency, rate (target per source,
    as text), minimum_minor, maximum_minor, fee_minor and expires_us (microseconds UTC).

    Example: puhui exchange sign-quote quote.json --key provider.pem --minutes 10 --out signed.json
    """
    from dataclasses import asdict, replace

    from puhui.exchange import quote_bytes

    quote = _read_quote(file, minutes)
    signed = replace(quote, signature=_sign(_load(key, password), quote_bytes(quote)))
    text = json.dumps(asdict(signed), ensure_ascii=False, indent=2)
    if out is None:
        say.line(text)
    else:
        try:
            out.write_text(f"{text}\n", "utf-8")
        except OSError as error:
            raise typer.BadParameter(f"{out} cannot be written: {error.strerror}.") from None
        say.line(f"The quote {signed.id} is signed in {out}.")
    if as_json:
        say.figures({"quote": signed.id, "signature": signed.signature})


def _read_quote(file: Path, minutes: int) -> Any:
    """The quote of a file, to hold for so many minutes from now where that is not nought."""
    import time

    from pydantic import TypeAdapter, ValidationError

    from puhui.exchange import Quote

    try:
        told = json.loads(file.read_bytes()[:KEY_BYTES_MAX])
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise typer.BadParameter(f"{file} is no JSON.") from None
    if minutes and isinstance(told, dict):
        told["expires_us"] = (int(time.time()) + 60 * minutes) * 1_000_000
    try:
        return TypeAdapter(Quote).validate_json(json.dumps(told), strict=True)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"])) or "the file"
        raise typer.BadParameter(f"{file} is no quote: {where}: {wrong['msg']}.") from None


@exchange_app.command("sign-withdrawal")
def sign_withdrawal(
    quote_id: Annotated[str, typer.Argument(metavar="QUOTE", help="The quote, by its id.")],
    key: KeyFile,
    password: Password = "",
    as_json: Json = False,
) -> None:
    """Sign that a quote is taken back: what comes out is ready to be posted.

    Example: puhui exchange sign-withdrawal q-2026-11-27-1 --key provider.pem
    """
    from puhui.exchange import quote_bytes

    signature = _sign(_load(key, password), quote_bytes(quote_id))
    say.line(json.dumps({"quote_id": quote_id, "signature": signature}))
    if as_json:
        say.figures({"quote": quote_id, "signature": signature})
