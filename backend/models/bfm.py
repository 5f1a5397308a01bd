"""Basel Face Model 2009 with the FaceWarehouse expressions, cut to the front of the face.

The recipe is that of Deng et al. (CVPR Workshops 2019), which Deep 3D Portrait builds on: 80 identity
and 64 expression components, 35,709 vertices, the mean of the Basel model alone. Two ways in: the
folder with the original files, or the one file ``BFM_model_front.mat`` that the authors' code makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from ..albedo import AlbedoBasis
from ..colour import to_linear
from ..landmarks import IBUG_68_FROM_478
from .raw import ModelFormat, RawModel, Terms, statistical, unusable, vertices_as_landmarks, with_triangles

TERMS = Terms(
    name="Basel Face Model 2009",
    licence="Basel Face Model licence (University of Basel): non-commercial research only",
    commercial_use=False,
    source="01_MorphableModel.mat from faces.dmi.unibas.ch/bfm after signing its licence; Exp_Pca.bin from "
    "github.com/Juyong/3DFace; index files from github.com/microsoft/Deep3DFaceReconstruction (folder BFM)",
)

SHAPE, EXPRESSION, EXPRESSION_STD = "01_MorphableModel.mat", "Exp_Pca.bin", "std_exp.txt"
FRONT, TRIM, INFO = "BFM_front_idx.mat", "BFM_exp_idx.mat", "facemodel_info.mat"
READY_MADE = "BFM_model_front.mat"
IDENTITIES, EXPRESSIONS, ALBEDOS = 80, 64, 80
"""Components that the paper uses."""
WHITE = 255.0
"""Textures are sRGB bytes of faces that were scanned in even light (Paysan et al. 2009)."""
MM_PER_MICROMETRE, MM_PER_DECIMETRE = 1e-3, 100.0
REMEDY = "See docs/models.md for the six files that the folder needs and where each comes from."


def recognises(path: Path) -> bool:
    """Whether this is a folder or file of the Basel Face Model."""
    folder = path if path.is_dir() else path.parent
    return path.name in (SHAPE, READY_MADE) or (
        path.is_dir() and any((folder / name).is_file() for name in (SHAPE, READY_MADE))
    )


def read(path: Path) -> RawModel:
    """Read the model; raises ModelUnusable naming the file that is missing or wrong."""
    folder = path if path.is_dir() else path.parent
    if path.name == READY_MADE or not (folder / SHAPE).is_file():
        return _ready_made(folder / READY_MADE)
    return _original(folder)


def _original(folder: Path) -> RawModel:
    shape = _mat(folder / SHAPE, ("shapeMU", "shapePC", "shapeEV", "texMU", "texPC", "texEV"))
    info = _mat(folder / INFO, ("tri", "keypoints"))
    front = _indices(folder / FRONT, "idx")
    trim = _indices(folder / TRIM, "trimIndex")
    mean = shape["shapeMU"].reshape(-1, 3) * MM_PER_MICROMETRE
    expression = _expressions(folder, len(trim))
    if front.max() >= len(trim) or trim.max() >= len(mean):
        raise unusable(folder / FRONT, f"does not belong to {SHAPE} and {EXPRESSION}", REMEDY)
    used = trim[front]
    count = min(IDENTITIES, shape["shapePC"].shape[1])
    scaled = shape["shapePC"][:, :count] * shape["shapeEV"].reshape(-1)[:count] * MM_PER_MICROMETRE
    if len(scaled) != mean.size:
        raise unusable(folder / SHAPE, "has components of another size than its mean", REMEDY)
    identity = scaled.T.reshape(count, -1, 3)[:, used]
    tints = min(ALBEDOS, shape["texPC"].shape[1])
    tinted = shape["texPC"][:, :tints] * shape["texEV"].reshape(-1)[:tints]
    if not len(tinted) == shape["texMU"].size == mean.size:
        raise unusable(folder / SHAPE, "has a texture of another size than its shape", REMEDY)
    colour = shape["texMU"].reshape(-1, 3)[used]
    albedo = _albedo(colour, tinted.T.reshape(tints, -1, 3)[:, used])
    return _raw(mean[used], identity, expression[:, front], albedo, info, folder / INFO)


def _ready_made(path: Path) -> RawModel:
    found = _mat(path, ("meanshape", "idBase", "exBase", "meantex", "texBase", "tri", "keypoints"))
    mean = found["meanshape"].reshape(-1, 3) * MM_PER_DECIMETRE
    identity, expression = found["idBase"], found["exBase"]
    tints = found["texBase"]
    if not len(identity) == len(expression) == len(tints) == found["meantex"].size == mean.size:
        raise unusable(path, "has components of another size than its mean", REMEDY)
    bases = (basis.T.reshape(-1, len(mean), 3) * MM_PER_DECIMETRE for basis in (identity, expression))
    albedo = _albedo(found["meantex"].reshape(-1, 3), tints.T.reshape(-1, len(mean), 3))
    return _raw(mean, *bases, albedo, found, path)


def _albedo(mean: NDArray[np.floating], components: NDArray[np.floating]) -> AlbedoBasis:
    """Bytes (N,3) and what one deviation adds to them (A,N,3), in linear light.

    The curve bends, so a component is half of what lies between one deviation less and one more.
    """

    def linear(values: NDArray[np.floating]) -> NDArray[np.floating]:
        return to_linear((values / WHITE).clip(0, 1))

    spread = np.stack([(linear(mean + each) - linear(mean - each)) / 2 for each in components])
    return AlbedoBasis(linear(mean).astype(np.float32), spread.astype(np.float32))


def _raw(
    mean: NDArray[np.floating],
    identity: NDArray[np.floating],
    expression: NDArray[np.floating],
    albedo: AlbedoBasis,
    info: dict[str, NDArray],
    info_path: Path,
) -> RawModel:
    triangles, keypoints = (
        info["tri"].astype(np.int64) - 1,
        info["keypoints"].reshape(-1).astype(np.int64) - 1,
    )
    indices = np.concatenate([triangles.ravel(), keypoints])
    if triangles.shape[1:] != (3,) or len(keypoints) != len(IBUG_68_FROM_478):
        raise unusable(info_path, "has no triangles or no 68 landmarks", REMEDY)
    if indices.min() < 0 or indices.max() >= len(mean):
        raise unusable(info_path, "names vertices that the face does not have", REMEDY)
    return RawModel(
        mean=mean,
        identity=identity,
        expression=expression,
        expression_names=statistical(len(expression)),
        polygons=with_triangles(triangles),
        landmarks=vertices_as_landmarks(keypoints, IBUG_68_FROM_478),
        parts={"skin": np.ones(len(triangles), np.bool_)},
        albedo=albedo,
    )


def _expressions(folder: Path, vertices: int) -> NDArray[np.float64]:
    """(E,V,3) mm. ``Exp_Pca.bin``: a count (int32), the mean, then the components (float32, micrometres)."""
    path, std_path = folder / EXPRESSION, folder / EXPRESSION_STD
    for needed in (path, std_path):
        if not needed.is_file():
            raise unusable(needed, "is not in the folder of the model", REMEDY)
    try:
        data, std = path.read_bytes(), np.loadtxt(std_path, ndmin=1).reshape(-1)
    except OSError as error:
        raise unusable(path, f"cannot be opened ({error.strerror})", REMEDY) from error
    except ValueError as error:
        raise unusable(std_path, "holds no numbers", REMEDY) from error
    if not len(std):
        raise unusable(std_path, "holds no numbers", REMEDY)
    size = 3 * vertices
    count = int.from_bytes(data[:4], "little", signed=True)
    if not 0 < count <= len(std) or len(data) < 4 * (1 + size * (1 + count)):
        raise unusable(path, "is cut off or no expression basis", REMEDY)
    components = np.frombuffer(data, "<f4", count * size, 4 * (1 + size)).reshape(count, vertices, 3)
    count = min(count, EXPRESSIONS)
    return components[:count] * std[:count, None, None] * MM_PER_MICROMETRE


def _indices(path: Path, name: str) -> NDArray[np.int64]:
    """Vertex numbers from 0; MATLAB counts from 1."""
    values = _mat(path, (name,))[name].reshape(-1).astype(np.int64) - 1
    if values.size == 0 or values.min() < 0:
        raise unusable(path, "holds no vertex numbers", REMEDY)
    return values


def _mat(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Matrices of a MATLAB file."""
    try:
        found: dict[str, Any] = loadmat(path, variable_names=names)
    except FileNotFoundError as error:
        raise unusable(path, "is not in the folder of the model", REMEDY) from error
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, EOFError, MatReadError) as error:
        raise unusable(path, "is damaged or no MATLAB file", REMEDY) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise unusable(path, f"lacks {', '.join(missing)}", REMEDY)
    try:
        arrays = {name: np.asarray(found[name], np.float64) for name in names}
    except (TypeError, ValueError) as error:
        raise unusable(path, "holds something else than numbers", REMEDY) from error
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise unusable(path, "holds numbers that are not finite", REMEDY)
    return arrays


FORMAT = ModelFormat("bfm", TERMS, recognises, read)
