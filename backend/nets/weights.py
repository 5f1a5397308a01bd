"""Reads a network's file: ``safetensors`` with a word in its metadata for the layout."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import AssetBroken


def read_weights(path: Path, architecture: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Weights in float32 by name, and the metadata.

    Raises AssetBroken if the file is missing, damaged, of another ``architecture`` or holds no numbers.
    """
    try:
        with safe_open(path, "pt") as file:
            origin = file.metadata() or {}
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise broken(path) from error
    if origin.get("architecture") != architecture:
        raise broken(path)
    if not all(bool(values.isfinite().all()) for values in state.values()):
        raise broken(path)
    return state, origin


def broken(path: Path) -> AssetBroken:
    """What the artist is told of a file that is not sound."""
    return AssetBroken(
        f"A file that belongs to Likeness is missing or damaged: {path.name}.",
        "Install Likeness again; your own files are not affected.",
    )
