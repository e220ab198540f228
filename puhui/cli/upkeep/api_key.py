"""``puhui api-key``: keys for partners' machines, made, listed and revoked."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened, operator

TOKEN_BYTES = 32

api_key_app = typer.Typer(
    no_args_is_help=True,
    help="Keys for machines that call the API: make, list and revoke them.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="End with one flat JSON object.")]
Scopes = Annotated[
    list[str],
    typer.Option("--scope", help="An operation it may call, such as lending.apply; repeat it."),
]


@api_key_app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose machine it is.")],
    scope: Scopes,
    role: Annotated[str, typer.Option(help="The role it acts in.")] = "operator",
    rate: Annotated[int, typer.Option(help="Calls a minute at most.")] = 600,
    days: Annotated[int, typer.Option(help="Days that it holds, at most 366.")] = 90,
    as_json: Json = False,
) -> None:
    """Make a key and print its token, which is shown this once and kept by digest alone.

    Example: puhui api-key create "Town platform" --scope lending.apply --scope lending.decide
    """
    from puhui.api import KEY_MARK, operation_names
    from puhui.kernel.clock import business_date
    from puhui.party.window import digest_of_token

    known = operation_names()
    unknown = sorted(set(scope) - set(known))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: the API has {', '.join(known)}.")
    token = f"{KEY_MARK}{secrets.token_urlsafe(TOKEN_BYTES)}"
    with opened() as node:
        until = business_date(node.clock.now_us()) + timedelta(days=days)
        made = node.act(
            "party.create_api_key",
            {
                "name": name,
                "role": role,
                "scopes": tuple(sorted(set(scope))),
                "rate_per_minute": rate,
                "valid_until": until,
                "token_digest": digest_of_token(token),
            },
            key=f"cli:api-key:{digest_of_token(token)}",
            actor=operator(),
        )
    say.line(f"{made.key_id} holds to {until}. Send it as: Authorization: Bearer {token}")
    say.note("The token is not shown again; keep it as you keep a password.")
    if as_json:
        say.figures({"key": made.key_id, "token": token, "valid_until": until.isoformat()})


@api_key_app.command("list")
def list_(as_json: Json = False) -> None:
    """List every key with its role, scopes, rate and last day, without its token.

    Example: puhui api-key list
    """
    from puhui.party.window import api_keys_of

    with opened() as node, node.read() as tx:
        keys = api_keys_of(tx)
    say.table(
        ("key", "name", "role", "scopes", "a minute", "holds to", "state"),
        [
            (
                one.id,
                one.name,
                one.role,
                ", ".join(one.scopes),
                str(one.rate_per_minute),
                one.valid_until.isoformat(),
                "revoked" if one.is_revoked else "in force",
            )
            for one in keys
        ],
        right=(4,),
    )
    if as_json:
        say.figures({"keys": len(keys), "in_force": sum(not one.is_revoked for one in keys)})


@api_key_app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as list shows it.")],
    as_json: Json = False,
) -> None:
    """End a key at once, so that it opens nothing any more; a second time changes nothing.

    While the store is off and PUHUI_QUEUE is set, the key is denied on this machine at once; run
    the same again when the store is back, so that it is revoked everywhere.

    Example: puhui api-key revoke key-019cac0f26801d2b3f3c9a7e5d4c6b8a
    """
    from puhui.channel import queues
    from puhui.kernel import Fault
    from puhui.node import home_folder

    is_revoked, folder = True, queues.queue_folder(home_folder())
    try:
        with opened() as node:
            node.act(
                "party.revoke_api_key",
                {"key_id": key_id},
                key=f"cli:api-key:revoke:{key_id}",
                actor=operator(),
            )
    except Fault as fault:
        if folder is None or fault.code not in queues.PASSING:
            raise
        queues.deny(folder, key_id)
        is_revoked = False
    if is_revoked:
        say.line(f"{key_id} opens nothing any more.")
    else:
        say.line(f"The store is off: {key_id} is denied on this machine from now on.")
        say.note("Run the same again when the store is back: only then is the key revoked.")
    if as_json:
        say.figures({"key": key_id, "is_revoked": is_revoked})
