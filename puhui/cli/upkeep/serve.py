"""``puhui serve``: pages, API, worker and probes of the node, until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from puhui.cli import say
from puhui.cli.open import opened

Host = Annotated[
    str, typer.Option(help="Address to bind; others than loopback need an SMS gateway.")
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    cert: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Certificate chain (PEM), for TLS."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Its private key (PEM).")
    ] = None,
    is_behind_tls: Annotated[
        bool, typer.Option("--behind-tls", help="A proxy in front ends TLS: bind cookies to it.")
    ] = False,
) -> None:
    """Serve the pages of citizens and staff, the API, and the worker of the node.

    One process, one server a store. Ctrl-C or SIGTERM ends it; what was begun is finished first.

    Example: puhui serve --port 8080
    """
    from puhui.serve import serve as run

    if (cert is None) != (key is None):
        raise typer.BadParameter("--cert and --key belong together.")
    certificate = None if cert is None or key is None else (cert, key)
    with opened() as node:
        run(
            node,
            host=host,
            port=port,
            ready=tell,
            certificate=certificate,
            is_behind_tls=is_behind_tls,
        )
    say.line("Stopped; everything that was begun is done.")


def tell(address: str) -> None:
    """Say where the pages are and how to stop."""
    say.line(f"Serving {address}  (API {address}/api/openapi.json)  Stop with Ctrl-C.")
    import sys

    sys.stdout.flush()
