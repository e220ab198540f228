"""The model desk: a champion is put in force by an act, never twice, and its file must be there."""

from __future__ import annotations

import pytest

from puhui.kernel import Actor, Node
from puhui.kernel.errors import Refused
from puhui.score import Model, champion, list_models, save_model, train
from puhui.score.desk import MODELS_FOLDER
from puhui.score.nouns import RegisterModel
from tests.score.made import made_mapping, made_table

ANALYST = Actor("li", frozenset({"risk_analyst"}))


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    """Two models of different kinds."""
    table, mapping = made_table(600), made_mapping()
    return train(table, mapping, "points", 1), train(table, mapping, "trees", 1)


def test_registering_puts_a_model_in_force(node: Node, models: tuple[Model, Model]) -> None:
    for model in models:
        save_model(node.home / MODELS_FOLDER, model)
    card, trees = models
    first = node.act(
        "score.register_model", RegisterModel("merchants", card.digest), key="r1", actor=ANALYST
    )
    assert (first.version, first.is_new) == (1, True)
    again = node.act(
        "score.register_model", RegisterModel("merchants", card.digest), key="r2", actor=ANALYST
    )
    assert (again.version, again.is_new) == (1, False)
    second = node.act(
        "score.register_model", RegisterModel("merchants", trees.digest), key="r3", actor=ANALYST
    )
    assert second.version == 2
    with node.read() as tx:
        assert champion(tx, "merchants") == trees.digest
        assert champion(tx, "farmers") is None
        models = list_models(tx)
    listed = [(one.name, one.version, one.digest) for one in models]
    assert listed == [("merchants", 1, card.digest), ("merchants", 2, trees.digest)]
    found = models[-1]
    assert found.kind == "trees"
    assert found.metrics == trees.metrics
    assert found.data_digest == trees.data_digest
    assert found.mapping_digest == made_mapping().digest
    assert found.registered_by == "li"


def test_papers_are_read_from_the_file_not_from_the_caller(
    sqlite_node: Node, models: tuple[Model, Model]
) -> None:
    save_model(sqlite_node.home / MODELS_FOLDER, models[0])
    claimed = RegisterModel("m", models[0].digest, kind="trees", metrics=(("cv_auc", 0.99),))
    sqlite_node.act("score.register_model", claimed, key="r", actor=ANALYST)
    with sqlite_node.read() as tx:
        (found,) = list_models(tx)
    assert found.kind == "points"
    assert found.metrics == models[0].metrics


def test_refusals(sqlite_node: Node, models: tuple[Model, Model]) -> None:
    def code_of(name: str, digest: str, actor: Actor = ANALYST) -> str:
        with pytest.raises(Refused) as no:
            sqlite_node.act(
                "score.register_model", RegisterModel(name, digest), key=f"{name}x", actor=actor
            )
        return no.value.code

    assert code_of("m", "0" * 64) == "score.model_missing"
    path = save_model(sqlite_node.home / MODELS_FOLDER, models[0])
    assert code_of("Bad Name", models[0].digest) == "score.bad_name"
    assert code_of("n", models[0].digest, Actor("x", frozenset({"clerk"}))) == "kernel.role_missing"
    path.write_text(path.read_text("utf-8") + " ", "utf-8")
    assert code_of("m", models[0].digest) == "score.model_damaged"
