"""FLAME (Li et al., SIGGRAPH Asia 2017): ``generic_model.pkl`` or an ``.npz`` of the same arrays.

FLAME opens its mouth by turning a jaw joint. A linear head has no joints, so the jaw's turn becomes
one more displacement, under ARKit's name ``jawOpen``. Landmarks come from the embedding files beside
the model: MediaPipe's where there is one, the 51 inner points of the common 68 otherwise.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation

from ..landmarks import IBUG_68_FROM_478
from ..morphable import LandmarkEmbedding
from .raw import JAW_POINTS, ModelFormat, RawModel, Terms, statistical, unusable, with_triangles
from .safe_pickle import read_npy_dictionary, read_pickle

TERMS = Terms(
    name="FLAME",
    licence="FLAME model licence (MPI for Intelligent Systems): non-commercial research only",
    commercial_use=False,
    source="flame.is.tue.mpg.de after signing its licence; landmark embeddings from the same page",
)

MODEL_FILES = ("generic_model.pkl", "flame2023.pkl", "flame2023_no_jaw.pkl", "FLAME_NEUTRAL.pkl", "flame.npz")
MEDIAPIPE = "mediapipe_landmark_embedding.npz"
STATIC, CONTOUR = "flame_static_embedding.pkl", "flame_dynamic_embedding.npy"
NEEDED = ("v_template", "shapedirs", "f")
SIGNATURES = (b"v_template", b"shapedirs")
"""Words that stand in every file of the model, whatever its form."""
MM_PER_METRE = 1000.0
EXPRESSIONS_BEGIN = 300
"""In ``shapedirs``: 300 identities, then 100 expressions."""
IDENTITIES, EXPRESSIONS = 100, 50
"""Components in use, as DECA and others do; the rest is below what landmarks can tell."""
JAW, JOINTS = 2, 5
JAW_OPEN_DEG = 20.0
"""Turn of the jaw at weight 1: about 35 mm between the teeth, a wide-open mouth."""
REMEDY = "See docs/models.md for the files of FLAME that Likeness reads and where each comes from."


def recognises(path: Path) -> bool:
    """Whether this is a file of FLAME, or a folder with one under its usual name."""
    file = _file(path)
    if file is None or file.suffix not in (".pkl", ".npz"):
        return False
    if file.suffix == ".npz":
        try:
            with zipfile.ZipFile(file) as archive:
                return {f"{name}.npy" for name in NEEDED} <= set(archive.namelist())
        except (OSError, zipfile.BadZipFile):
            return False
    data = file.read_bytes()
    return all(word in data for word in SIGNATURES)


def read(path: Path) -> RawModel:
    """Read the model; raises ModelUnusable naming the file that is missing or wrong."""
    file = _file(path)
    if file is None:
        raise unusable(path, "holds no generic_model.pkl", REMEDY)
    arrays = _arrays(file)
    template = arrays["v_template"]
    triangles = arrays["f"].astype(np.int64)
    directions = arrays["shapedirs"]
    if template.shape[1:] != (3,) or triangles.shape[1:] != (3,) or directions.shape[:2] != template.shape:
        raise unusable(file, "has arrays of other sizes than FLAME", REMEDY)
    if triangles.min() < 0 or triangles.max() >= len(template):
        raise unusable(file, "names vertices that it does not have", REMEDY)
    components = np.moveaxis(directions, 2, 0)
    expression = components[EXPRESSIONS_BEGIN : EXPRESSIONS_BEGIN + EXPRESSIONS]
    names = statistical(len(expression))
    jaw = _jaw_open(arrays)
    if jaw is not None:
        expression, names = np.concatenate([jaw[None], expression]), ("jawOpen", *names)
    return RawModel(
        mean=template * MM_PER_METRE,
        identity=components[: min(IDENTITIES, EXPRESSIONS_BEGIN)] * MM_PER_METRE,
        expression=expression * MM_PER_METRE,
        expression_names=names,
        polygons=with_triangles(triangles),
        landmarks=_landmarks(file.parent, triangles),
        parts=_parts(template, triangles),
    )


def _file(path: Path) -> Path | None:
    if path.is_file():
        return path
    return next((path / name for name in MODEL_FILES if (path / name).is_file()), None)


def _arrays(file: Path) -> dict[str, NDArray[np.float64]]:
    content: dict[str, Any] = _npz(file) if file.suffix == ".npz" else read_pickle(file)
    missing = [name for name in NEEDED if not isinstance(content.get(name), np.ndarray)]
    if missing:
        raise unusable(file, f"lacks {', '.join(missing)}", REMEDY)
    arrays = {
        name: value.astype(np.float64)
        for name, value in content.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    }
    if not set(NEEDED) <= set(arrays) or not all(np.isfinite(arrays[name]).all() for name in NEEDED):
        raise unusable(file, "holds something else than numbers", REMEDY)
    return arrays


def _npz(file: Path) -> dict[str, NDArray]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise unusable(file, "is damaged, or holds pickles", REMEDY) from error


def _jaw_open(arrays: dict[str, NDArray[np.float64]]) -> NDArray[np.float64] | None:
    """(N,3) metres: the open jaw with its pose corrective; None for a model without the joint."""
    template = arrays["v_template"]
    weights, regressor = arrays.get("weights"), arrays.get("J_regressor")
    if weights is None or regressor is None or weights.shape != (len(template), JOINTS):
        return None
    if regressor.shape != (JOINTS, len(template)):
        return None
    turn = Rotation.from_euler("x", JAW_OPEN_DEG, degrees=True).as_matrix() - np.eye(3)
    moved = template.copy()
    correctives = arrays.get("posedirs")
    if correctives is not None and correctives.shape == (*template.shape, 9 * (JOINTS - 1)):
        moved += correctives[..., 9 * (JAW - 1) : 9 * JAW] @ turn.ravel()
    centre = regressor[JAW] @ template
    return moved - template + weights[:, JAW, None] * ((moved - centre) @ turn.T)


def _landmarks(folder: Path, triangles: NDArray[np.int64]) -> LandmarkEmbedding:
    """All points that the embedding files beside the model know."""
    inner = _mediapipe(folder) if (folder / MEDIAPIPE).is_file() else _static(folder)
    contour = [_contour(folder)] if (folder / CONTOUR).is_file() else []
    faces, weights, rows = (np.concatenate(arrays) for arrays in zip(inner, *contour, strict=True))
    sound = len(faces) == len(weights) == len(rows) and weights.shape[1:] == (3,)
    if (
        not sound
        or faces.min() < 0
        or faces.max() >= len(triangles)
        or not 0 <= rows.min() <= rows.max() < 478
    ):
        raise unusable(folder, "has landmark files of another model", REMEDY)
    corners = triangles[faces.astype(np.int64)].astype(np.int32)
    return LandmarkEmbedding(corners, weights.astype(np.float32), rows.astype(np.int32))


Points = tuple[NDArray, NDArray, NDArray]
"""Triangle (L,), barycentric weights (L,3) and MediaPipe's number (L,) of landmarks."""


def _mediapipe(folder: Path) -> Points:
    found = _npz(folder / MEDIAPIPE)
    return _entry(folder / MEDIAPIPE, found, np.asarray(found.get("landmark_indices", ())).reshape(-1))


def _static(folder: Path) -> Points:
    if not (folder / STATIC).is_file():
        raise unusable(folder, f"holds neither {MEDIAPIPE} nor {STATIC}", REMEDY)
    rows = np.array(IBUG_68_FROM_478[JAW_POINTS:])
    return _entry(folder / STATIC, read_pickle(folder / STATIC), rows)


def _contour(folder: Path) -> Points:
    """The jaw line; the file has one for each degree of yaw, beginning with the frontal one."""
    rows = np.array(IBUG_68_FROM_478[:JAW_POINTS])
    found = read_npy_dictionary(folder / CONTOUR)
    frontal = {
        name: np.asarray(found.get(name, ()))[0] if len(found.get(name, ())) else () for name in EMBEDDING
    }
    return _entry(folder / CONTOUR, frontal, rows)


EMBEDDING = ("lmk_face_idx", "lmk_b_coords")


def _entry(path: Path, found: dict[str, Any], rows: NDArray) -> Points:
    faces, weights = (np.asarray(found.get(name, ())) for name in EMBEDDING)
    if not faces.size or faces.dtype.kind not in "biuf" or weights.dtype.kind not in "biuf":
        raise unusable(path, f"lacks {' or '.join(EMBEDDING)}", REMEDY)
    return faces.reshape(-1), weights, rows


def _parts(template: NDArray[np.floating], triangles: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """The largest piece is the skin; a smaller one on either side is an eyeball."""
    count = len(template)
    edges = sp.coo_matrix(
        (np.ones(2 * len(triangles)), (triangles[:, :2].ravel(), triangles[:, 1:].ravel())), (count, count)
    )
    _, piece = connected_components(edges, directed=False)
    of_triangle = piece[triangles[:, 0]]
    names, sizes = np.unique(of_triangle, return_counts=True)
    skin = names[sizes.argmax()]
    side = np.array([template[piece == name, 0].mean() for name in range(piece.max() + 1)])[of_triangle]
    eye = of_triangle != skin
    parts = {"skin": ~eye, "eye_left": eye & (side > 0), "eye_right": eye & (side <= 0)}
    return {name: mask for name, mask in parts.items() if mask.any()}


FORMAT = ModelFormat("flame", TERMS, recognises, read)
