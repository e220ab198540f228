"""Putting a trained model in force: the act's input and outcome, and the register's entry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegisterModel:
    """Register the model file ``digest`` as champion ``name``.

    The other fields are the model's papers; they are read from the file, whatever was given.
    """

    name: str
    digest: str
    kind: str = ""
    mapping: str = ""
    mapping_digest: str = ""
    data_digest: str = ""
    maker: str = ""
    trained_on: str = ""
    metrics: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRegistered:
    """The champion ``name`` is now ``digest``, in its ``version`` (from 1)."""

    name: str
    version: int
    digest: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Champion:
    """The model in force under ``name``; its file is found by ``digest``."""

    name: str
    version: int
    digest: str
    kind: str
    mapping: str
    mapping_digest: str
    data_digest: str
    maker: str
    trained_on: str
    metrics: tuple[tuple[str, float], ...]
    registered_by: str
    registered_us: int
