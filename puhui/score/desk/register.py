"""The model desk: putting a trained model in force, and finding the one that is."""

from __future__ import annotations

import json
from dataclasses import replace

from puhui.kernel.act import Act, use_case
from puhui.kernel.errors import Refused
from puhui.kernel.node import Node
from puhui.kernel.store import Row, Transaction
from puhui.score import rules, tables
from puhui.score.engines.files import load_model
from puhui.score.formats.protected_toml import protected_names
from puhui.score.nouns import Champion, ModelRegistered, RegisterModel
from puhui.score.rules.protect import refuse_protected_names

MODELS_FOLDER = "models"
"""Under the node's home: one file per model, named by its digest."""


def read_papers(node: Node, input: RegisterModel) -> RegisterModel:
    """The input with the papers of the model file, read and checked by its digest.

    Refused: ``score.model_missing``, ``score.model_damaged``, and ``score.protected_signal`` for
    a file, whoever made it, whose score would read what tells a group.
    """
    model = load_model(node.home / MODELS_FOLDER, input.digest)
    refuse_protected_names(model.signals, protected_names())
    return replace(
        input,
        kind=model.kind,
        mapping=model.mapping,
        mapping_digest=model.mapping_digest,
        data_digest=model.data_digest,
        maker=model.maker,
        trained_on=model.trained_on,
        metrics=model.metrics,
    )


@use_case("score.register_model", roles=("risk_analyst", "system"), prepare=read_papers)
def register_model(act: Act, input: RegisterModel) -> ModelRegistered:
    """Put the model file ``digest`` in force as the champion ``name``.

    Training is no act; this is. The champion's own digest again changes nothing. Refused:
    ``score.bad_name``, ``score.model_missing``, ``score.model_damaged``,
    ``score.protected_signal``.
    """
    rules.check_champion_name(input.name)
    if not (act.node.home / MODELS_FOLDER / f"{input.digest}.json").is_file():
        raise Refused("score.model_missing", f"There is no model {input.digest[:12]!r} here.")
    row = act.tx.one(tables.LOCK_CHAMPION, name=input.name)
    if row is not None and row.digest == input.digest:
        return ModelRegistered(input.name, row.version, input.digest, is_new=False)
    version = 1 if row is None else row.version + 1
    act.tx.put(
        tables.INSERT_MODEL,
        name=input.name,
        version=version,
        digest=input.digest,
        kind=input.kind,
        mapping=input.mapping,
        mapping_digest=input.mapping_digest,
        data_digest=input.data_digest,
        maker=input.maker,
        trained_on=input.trained_on,
        metrics=json.dumps(input.metrics, separators=(",", ":")),
        registered_by=act.actor,
        registered_us=act.now_us,
    )
    act.note(model=input.digest)
    act.emit("score.model_registered", input.name, {"digest": input.digest, "version": version})
    return ModelRegistered(input.name, version, input.digest, is_new=True)


def champion(tx: Transaction, name: str) -> str | None:
    """The digest of the model in force under ``name``, or None. One statement."""
    row = tx.one(tables.READ_CHAMPION, name=name)
    return None if row is None else str(row.digest)


def list_models(tx: Transaction) -> tuple[Champion, ...]:
    """All that was ever put in force, by name and version; the last of a name is in force."""
    return tuple(_champion_of(row) for row in tx.all(tables.READ_MODELS))


def _champion_of(row: Row) -> Champion:
    return Champion(
        name=row.name,
        version=row.version,
        digest=row.digest,
        kind=row.kind,
        mapping=row.mapping,
        mapping_digest=row.mapping_digest,
        data_digest=row.data_digest,
        maker=row.maker,
        trained_on=row.trained_on,
        metrics=tuple((key, value) for key, value in json.loads(row.metrics)),
        registered_by=row.registered_by,
        registered_us=row.registered_us,
    )
