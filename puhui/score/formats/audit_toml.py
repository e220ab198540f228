"""Declarations of audits in TOML: protected attributes, their groups, the cut-off in use."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from puhui.kernel.errors import Refused
from puhui.score.nouns.audit import AuditRules, Declaration, GroupRule, ProtectedAttribute

AUDIT_BYTES_MAX = 1_000_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Title(_Strict):
    zh: str
    en: str


class _Group(_Strict):
    name: str
    title: _Title | None = None
    column: str
    values: tuple[str, ...] = ()
    at_least: float | None = None
    below: float | None = None


class _Attribute(_Strict):
    name: str
    title: _Title
    reference: str
    group: tuple[_Group, ...] = Field(min_length=2, max_length=50)


class _Approved(_Strict):
    mapping: str = ""
    pd_max: float = Field(default=0.5, ge=0, le=1)
    column: str = ""
    values: tuple[str, ...] = ()
    score: str = ""
    source: str


class _Profit(_Strict):
    earns_good: float
    loses_bad: float
    source: str


class _Audit(_Strict):
    title: _Title
    approved: _Approved
    profit: _Profit
    attribute: tuple[_Attribute, ...] = Field(min_length=1, max_length=20)
    crossings: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=1)
def read_audit_rules() -> AuditRules:
    """When an audit makes a claim: the newest values of ``data/audit.toml``."""
    text = (resources.files("puhui.score") / "data" / "audit.toml").read_text("utf-8")
    newest = {
        name: max(entry["values"], key=lambda value: value["from"])["value"]
        for name, entry in tomllib.loads(text).items()
    }
    return AuditRules(**newest)


def read_declaration(name: str | Path) -> Declaration:
    """Read an audit's declaration by path, or by the name of one that comes with the package.

    Refused: ``score.audit_missing``, ``score.audit_bad``.
    """
    shipped = resources.files("puhui.score") / "audits" / f"{Path(name).stem}.toml"
    path = Path(name)
    if path.is_file():
        if path.stat().st_size > AUDIT_BYTES_MAX:
            raise _bad(path.stem, "it is too large")
        try:
            return read_declaration_text(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            raise _bad(path.stem, "it is not UTF-8 text") from None
    if path.parent == Path() and shipped.is_file():
        return read_declaration_text(shipped.read_text(encoding="utf-8"), path.stem)
    raise Refused("score.audit_missing", f"There is no audit {str(name)[:80]!r}.")


def read_declaration_text(text: str, name: str) -> Declaration:
    """Read a declaration from TOML text. Refused: ``score.audit_bad``."""
    try:
        made = _Audit.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _bad(name, f"it is not TOML ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _bad(name, f"{where}: {first['msg']}") from None
    if not made.approved.mapping and not made.approved.column:
        raise _bad(name, "it names a mapping to train by, a column of decisions, or both")
    attributes = tuple(_attribute(name, one) for one in made.attribute)
    known = {one.name for one in attributes}
    if len(known) != len(attributes) or any(set(pair) - known for pair in made.crossings):
        raise _bad(name, "attributes stand once each, and crossings name two of them")
    return Declaration(
        name=name,
        title_zh=made.title.zh,
        title_en=made.title.en,
        mapping=made.approved.mapping,
        pd_max=made.approved.pd_max,
        approved_column=made.approved.column,
        approved_values=made.approved.values,
        score_column=made.approved.score,
        earns_good=made.profit.earns_good,
        loses_bad=made.profit.loses_bad,
        attributes=attributes,
        crossings=made.crossings,
    )


def _attribute(name: str, made: _Attribute) -> ProtectedAttribute:
    groups = tuple(
        GroupRule(
            **one.model_dump(exclude={"title"}),
            title_zh=one.title.zh if one.title else one.name,
            title_en=one.title.en if one.title else one.name,
        )
        for one in made.group
    )
    names = [group.name for group in groups]
    if made.reference not in names or len(set(names)) != len(names):
        raise _bad(name, f"the reference of {made.name!r} is one of its groups, each named once")
    for group in groups:
        if not group.values and group.at_least is None and group.below is None:
            raise _bad(name, f"group {group.name!r} has neither values nor a band")
    return ProtectedAttribute(made.name, made.title.zh, made.title.en, made.reference, groups)


def _bad(name: str, reason: str) -> Refused:
    return Refused("score.audit_bad", f"The audit {str(name)[:80]!r} cannot be used: {reason}.")
