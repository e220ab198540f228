"""The model that a command names, or that is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from puhui.kernel import Node
    from puhui.score import Model, study


def model_of(node: Node, mapping: study.Mapping | None, digest: str) -> Model:
    """The model named by its first digits, else the last put in force for this mapping."""
    from puhui.kernel import Refused
    from puhui.score import list_models, load_model

    folder = node.home / "models"
    if digest:
        if not set(digest) <= set("0123456789abcdef") or len(digest) < 6:
            raise typer.BadParameter(
                f"{digest[:40]!r} names no model: give 6 or more hexadecimal digits of its digest."
            )
        found = sorted(path.stem for path in folder.glob(f"{digest}*.json"))
        if len(found) > 1:
            raise typer.BadParameter(f"{len(found)} models begin with {digest}; give more digits.")
        return load_model(folder, found[0] if found else digest)
    assert mapping is not None, "neither a digest nor a mapping"
    with node.read() as tx:
        fitting = [one for one in list_models(tx) if one.mapping == mapping.name]
    if not fitting:
        raise Refused(
            "cli.no_model",
            f"No model is in force for the mapping {mapping.name!r}; puhui lend trains one, "
            "puhui score models lists those there are.",
        )
    return load_model(folder, max(fitting, key=lambda one: one.registered_us).digest)
