"""Files of scoring: model files by digest in a folder, and mappings by name or path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from puhui.kernel.errors import Refused
from puhui.score.engines.draft import drafted
from puhui.score.formats.mapping_toml import read_mapping_text
from puhui.score.formats.model_json import digest_of, read_model, write_model
from puhui.score.nouns import Mapping, Model

MAPPING_BYTES_MAX = 1_000_000
MODEL_BYTES_MAX = 200_000_000


def save_model(folder: Path, model: Model) -> Path:
    """Write a model to ``folder``/<digest>.json, whole or not at all; a second time is nothing."""
    text = write_model(model)
    assert digest_of(text) == model.digest, model.digest
    path = folder / f"{model.digest}.json"
    if path.exists():
        return path
    with drafted(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return path


def load_model(folder: Path, digest: str) -> Model:
    """Read the model that ``digest`` names and check it.

    Refused: ``score.model_missing``, ``score.model_damaged``.
    """
    path = folder / f"{digest}.json"
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not path.is_file():
        raise Refused("score.model_missing", f"There is no model {digest[:12]!r} here.")
    if path.stat().st_size > MODEL_BYTES_MAX:
        raise Refused("score.model_damaged", f"The model file {digest[:12]} is too large.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Refused("score.model_damaged", f"The model file {digest[:12]} was changed.") from None
    return read_model(text, digest)


def mapping_text(name: str | Path) -> str:
    """The text of a mapping by path, or by the name of one that comes with the package.

    Refused: ``score.mapping_missing``, ``score.mapping_bad``.
    """
    shipped = resources.files("puhui.score") / "mappings" / f"{Path(name).stem}.toml"
    path = Path(name)
    if path.is_file():
        if path.stat().st_size > MAPPING_BYTES_MAX:
            raise Refused("score.mapping_bad", f"The mapping {path.name} is too large.")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise Refused(
                "score.mapping_bad", f"The mapping {path.name} is not UTF-8 text."
            ) from None
    if path.parent == Path() and shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    raise Refused("score.mapping_missing", f"There is no mapping {str(name)[:80]!r}.")


def read_mapping(name: str | Path) -> Mapping:
    """Read a mapping by path, or by the name of one that comes with the package.

    Refused: those of ``mapping_text`` and the codes of ``read_mapping_text``.
    """
    return read_mapping_text(mapping_text(name), Path(name).stem)
