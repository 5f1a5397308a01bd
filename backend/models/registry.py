"""Which morphable models there are, which of them this user has, and where they are kept.

The user's own copies lie in one folder of the user's data (``LIKENESS_MODELS`` moves it), one packed
file a model, made once from the original files: ICT-FaceKit alone is 154 OBJ files of 3 MB.
"""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import AssetBroken, ModelUnusable
from ..files import write_file
from ..morphable import MorphableModel, load_head_model, load_model, save_model
from . import bfm, flame, ict
from .raw import ModelFormat

FORMATS: tuple[ModelFormat, ...] = (bfm.FORMAT, ict.FORMAT, flame.FORMAT)
DEFAULT = "likeness"
"""The word for the head that ships."""


@dataclass(frozen=True)
class ModelEntry:
    """One line of ``likeness models``."""

    key: str
    name: str
    licence: str
    commercial_use: bool
    source: str
    installed: bool
    vertices: int | None = None
    identities: int | None = None
    expressions: int | None = None
    problem: str = ""
    """Why an installed model cannot be used, in words."""


def models_folder() -> Path:
    """Where this user's packed models lie; the folder need not exist."""
    chosen = os.environ.get("LIKENESS_MODELS")
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "Likeness"
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support" / "Likeness"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", home / ".local" / "share")) / "likeness"
    return base / "models"


def entries() -> list[ModelEntry]:
    """The model that ships, then every other kind, there or not."""
    shipped = load_head_model()
    first = _entry(DEFAULT, shipped, "ships with Likeness")
    return [first, *(_installed(kind) for kind in FORMATS)]


def read_model(path: Path) -> MorphableModel:
    """Read a model from its authors' files, whichever it is by its content.

    Raises ModelUnusable if the path is not there, is no model that Likeness knows, or is damaged.
    """
    return _read(format_of(path), path)


def format_of(path: Path) -> ModelFormat:
    """The kind of model that a file or folder holds; ModelUnusable if it is none."""
    if not path.exists():
        raise ModelUnusable(f"There is no file or folder {path}.", "Look whether the path is spelled right.")
    for kind in FORMATS:
        if kind.recognises(path):
            return kind
    known = ", ".join(kind.terms.name for kind in FORMATS)
    raise ModelUnusable(
        f"{path.name} is no morphable model that Likeness knows.",
        f"Likeness reads {known}; docs/models.md says which files each one needs.",
    )


def install(path: Path) -> ModelEntry:
    """Read a model and keep a packed copy for this user. Raises ModelUnusable or StorageFailed."""
    kind = format_of(path)
    model = _read(kind, path)
    packed = io.BytesIO()
    save_model(model, packed)
    write_file(_packed(kind), packed.getvalue())
    return _entry(kind.key, model, kind.terms.source)


def installed_model(key: str) -> MorphableModel:
    """A model by its word: the one that ships, or this user's copy. Raises ModelUnusable."""
    if key == DEFAULT:
        return load_head_model()
    for kind in FORMATS:
        if kind.key == key:
            if not _packed(kind).is_file():
                raise ModelUnusable(
                    f"{kind.terms.name} is not installed; Likeness may not ship it.",
                    f"Get it ({kind.terms.source}), then run: likeness models --add PATH",
                )
            return _load(kind)
    words = ", ".join((DEFAULT, *(kind.key for kind in FORMATS)))
    raise ModelUnusable(f"There is no model {key!r}.", f"Choose one of: {words}.")


def chosen_model(key: str | None, path: Path | None) -> MorphableModel | None:
    """The model of a command's ``--model`` or ``--model-file``; None for the one that ships."""
    if path is not None:
        return read_model(path)
    return None if key is None else installed_model(key)


def _read(kind: ModelFormat, path: Path) -> MorphableModel:
    from .adopt import adopt  # needs torch, which a mere list of models can do without

    return adopt(kind.read(path), kind.terms, path)


def _packed(kind: ModelFormat) -> Path:
    return models_folder() / f"{kind.key}.npz"


def _load(kind: ModelFormat) -> MorphableModel:
    try:
        return load_model(_packed(kind))
    except AssetBroken as error:
        raise ModelUnusable(
            f"Your copy of {kind.terms.name} is damaged.",
            "Run again: likeness models --add PATH, with the path of its original files.",
        ) from error


def _installed(kind: ModelFormat) -> ModelEntry:
    terms = kind.terms
    if not _packed(kind).is_file():
        return ModelEntry(
            kind.key, terms.name, terms.licence, terms.commercial_use, terms.source, installed=False
        )
    try:
        return _entry(kind.key, _load(kind), terms.source)
    except ModelUnusable as error:
        return ModelEntry(
            kind.key, terms.name, terms.licence, terms.commercial_use, terms.source,
            installed=False, problem=f"{error.message} {error.hint}",
        )  # fmt: skip


def _entry(key: str, model: MorphableModel, source: str) -> ModelEntry:
    return ModelEntry(
        key, model.name, model.licence, model.commercial_use, source, installed=True,
        vertices=len(model.mean), identities=len(model.identity), expressions=len(model.expression),
    )  # fmt: skip
