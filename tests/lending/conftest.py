"""The bank of tests, on each kind of store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from puhui.kernel import Actor, Node
from puhui.lending import shelf
from puhui.lending.desk.loan import contract
from puhui.lending.nouns import Product
from tests.lending.bank import PRODUCT, Bank, open_bank


@pytest.fixture
def bank(node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """A bank with a model in force, on SQLite and on PostgreSQL in turn."""
    return open_bank(node, operator, tmp_path)


@pytest.fixture
def sqlite_bank(sqlite_node: Node, operator: Actor, tmp_path: Path) -> Bank:
    """A bank on SQLite alone, for what no store makes a difference to."""
    return open_bank(sqlite_node, operator, tmp_path)


@pytest.fixture
def terms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Product]]:
    """Gives the contracts of a test other terms of the merchant product.

    It keeps its digest, by which a contract is written once in a process: what was written by
    these terms, or by others before, is forgotten.
    """

    def put(**more: object) -> Product:
        product = replace(shelf.load_product(PRODUCT), **more)  # type: ignore[arg-type]
        monkeypatch.setattr(contract, "load_product", lambda _: product)
        contract._write.cache_clear()
        return product

    yield put
    contract._write.cache_clear()
