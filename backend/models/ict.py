"""ICT-FaceKit Light: the folder ``FaceXModel`` of OBJ files as its repository ships it.

Expressions carry ARKit's names with ``_L`` and ``_R``; they get ARKit's own. Lacrimal fluid, eye
blend and eye occlusion are shading helpers of one renderer and stay out.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..landmarks import IBUG_68_FROM_478
from .obj import read_obj, read_obj_vertices
from .raw import ModelFormat, RawModel, Terms, unusable, vertices_as_landmarks

TERMS = Terms(
    name="ICT-FaceKit Light",
    licence="MIT (USC Institute for Creative Technologies)",
    commercial_use=True,
    source="github.com/ICT-VGL/ICT-FaceKit (folder FaceXModel)",
)

CONFIGURATION, NEUTRAL = "vertex_indices.json", "generic_neutral_mesh.obj"
REMEDY = "Clone github.com/ICT-VGL/ICT-FaceKit again and give its folder FaceXModel."
MM_PER_UNIT = 10.0
"""Centimetres."""
VERTICES, POLYGONS = 26_719, 26_384

# Polygon ranges, vertex ranges and landmarks as listed in the README of ICT-FaceKit (MIT).
SKIN_FACE, SKIN_HEAD = (0, 9230), (9230, 14034)
PARTS = {
    "skin": (0, 14034),
    "tongue": (14034, 17006),
    "teeth": (17006, 21496),
    "eye_left": (21496, 23094),
    "eye_right": (23094, 24692),
    "lashes": (25304, 26384),
}
"""``tongue`` holds the gums, too."""
SCLERA_POLYGONS = 800
"""An eyeball's first polygons are its sclera, the others its iris."""
REGIONS = {"mouth_inside": (11248, 13294), "socket_left": (13294, 13678), "socket_right": (13678, 14062)}
LANDMARKS_68 = (
    *(1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443),
    *(268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509),
    *(978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360),
    *(1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732),
    *(5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841),
    *(5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966),
)
FACE_SHARE = 0.7
"""Of the skin's unit square for the face's own tile; head, neck and mouth share the strip below."""
ONE_IN_ARKIT = ("browInnerUp", "cheekPuff")
"""ARKit has one of each; ICT has a left and a right half, which add up."""
NOT_IN_ARKIT = ("cheekRaiser", "PupilDilate")


def recognises(path: Path) -> bool:
    """Whether this is the model's folder, or the repository around it."""
    if path.suffix == ".npz":
        return _is_packed(path)
    return _folder(path) is not None


def read(path: Path) -> RawModel:
    """Read the model; raises ModelUnusable naming the file that is missing or wrong."""
    if path.suffix == ".npz":
        return _packed(path)
    folder = _folder(path)
    if folder is None:
        raise unusable(path, f"holds no {NEUTRAL}", REMEDY)
    neutral = read_obj(folder / NEUTRAL)
    _check_size(folder / NEUTRAL, neutral.vertices, neutral.polygons)
    targets = [folder / f"{name}.obj" for name in _expression_names(folder / CONFIGURATION)]
    modes = sorted(folder.glob("identity[0-9][0-9][0-9].obj"))
    if not modes:
        raise unusable(folder, "holds no identity000.obj", REMEDY)

    def displacements(paths: list[Path]) -> NDArray[np.float32]:
        result = np.empty((len(paths), *neutral.vertices.shape), np.float32)
        for row, file in zip(result, paths, strict=True):
            row[:] = read_obj_vertices(file, len(neutral.vertices)) - neutral.vertices
        return result

    uvs = neutral.uvs[neutral.polygon_uvs] if len(neutral.uvs) else np.zeros((0, 4, 2))
    names = [target.stem for target in targets]
    return _raw(
        folder / NEUTRAL, neutral.vertices, displacements(modes), displacements(targets), names,
        neutral.polygons, uvs,
    )  # fmt: skip


def _folder(path: Path) -> Path | None:
    candidates = (path, path / "FaceXModel") if path.is_dir() else (path.parent,)
    return next((folder for folder in candidates if (folder / NEUTRAL).is_file()), None)


def _expression_names(path: Path) -> list[str]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["expressions"]
    except OSError as error:
        raise unusable(path, f"cannot be opened ({error.strerror})", REMEDY) from error
    except (ValueError, KeyError, TypeError) as error:
        raise unusable(path, "is damaged", REMEDY) from error
    # Names become paths: nothing but plain words.
    if not isinstance(names, list) or not all(
        isinstance(name, str) and name.replace("_", "").isalnum() for name in names
    ):
        raise unusable(path, "names no expressions", REMEDY)
    return names


def _raw(
    path: Path,
    neutral: NDArray[np.floating],
    identity: NDArray[np.floating],
    expression: NDArray[np.floating],
    expression_names: list[str],
    polygons: NDArray[np.int32],
    uvs: NDArray[np.floating],
) -> RawModel:
    _check_size(path, neutral, polygons)
    if len(uvs) != POLYGONS:
        raise unusable(path, "has no texture coordinates", REMEDY)
    names, keys = _arkit(expression_names, expression)
    return RawModel(
        mean=neutral * MM_PER_UNIT,
        identity=identity * MM_PER_UNIT,
        expression=keys * MM_PER_UNIT,
        expression_names=names,
        polygons=polygons,
        landmarks=vertices_as_landmarks(np.array(LANDMARKS_68), IBUG_68_FROM_478),
        parts={name: _within(start, stop, POLYGONS) for name, (start, stop) in PARTS.items()},
        uvs=_one_square_a_part(uvs),
        regions={name: _within(start, stop, VERTICES) for name, (start, stop) in REGIONS.items()},
    )


def _check_size(path: Path, vertices: NDArray[np.floating], polygons: NDArray[np.int32]) -> None:
    if (len(vertices), len(polygons)) != (VERTICES, POLYGONS):
        raise unusable(path, f"is not the model with {VERTICES:,} vertices that Likeness knows", REMEDY)


def _arkit(
    names: list[str], expression: NDArray[np.floating]
) -> tuple[tuple[str, ...], NDArray[np.floating]]:
    """Names and displacements with ARKit's spelling; halves that ARKit does not know are added up."""
    keys: dict[str, NDArray[np.floating]] = {}
    for name, movement in zip(names, expression, strict=True):
        base, _, side = name.partition("_")
        if base in NOT_IN_ARKIT:
            continue
        whole = base if base in ONE_IN_ARKIT else base + {"L": "Left", "R": "Right"}.get(side, "")
        keys[whole] = keys[whole] + movement if whole in keys else movement
    return tuple(keys), np.stack(list(keys.values())) if keys else np.zeros((0, *expression.shape[1:]))


def _one_square_a_part(uvs: NDArray[np.floating]) -> NDArray[np.float32]:
    """(Q,4,2) the model's seven tiles side by side become one unit square a part."""
    result = np.asarray(uvs, np.float32) % 1.0
    face, head = slice(*SKIN_FACE), slice(*SKIN_HEAD)
    result[face, :, 1] = 1 - FACE_SHARE * (1 - result[face, :, 1])
    result[head, :, 1] *= 1 - FACE_SHARE
    # Both scleras and both irises lie over each other in the file; here each has a quarter of the square.
    for name, start in (("eye_left", 0.0), ("eye_right", 0.5)):
        first, stop = PARTS[name]
        result[first:stop, :, 0] = start + result[first:stop, :, 0] / 2
        result[first:stop, :, 1] /= 2
        result[first + SCLERA_POLYGONS : stop, :, 1] += 0.5
    for name, start in (("teeth", 0.5), ("tongue", 0.0)):
        part = slice(*PARTS[name])
        result[part, :, 0] = start + result[part, :, 0] / 2
    return result


def _within(start: int, stop: int, count: int) -> NDArray[np.bool_]:
    mask = np.zeros(count, np.bool_)
    mask[start:stop] = True
    return mask


PACKED = ("neutral", "identity", "expression", "expression_names", "faces", "uv", "faces_uv")


def _is_packed(path: Path) -> bool:
    try:
        with np.load(path, allow_pickle=False) as file:
            return set(PACKED) <= set(file.files)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile):
        return False


def _packed(path: Path) -> RawModel:
    """The same model in one ``.npz``: the arrays of :data:`PACKED`, in centimetres."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in PACKED}
        names = [str(name) for name in arrays["expression_names"]]
        uvs = arrays["uv"][arrays["faces_uv"]]
    except (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise unusable(path, "is damaged", REMEDY) from error
    bases = (arrays["identity"], arrays["expression"])
    return _raw(path, arrays["neutral"], *bases, names, arrays["faces"].astype(np.int32), uvs)


FORMAT = ModelFormat("ict", TERMS, recognises, read)
