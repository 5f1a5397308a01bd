"""Writes morphable models in the formats of their authors: small ones, cut from the head that ships."""

from __future__ import annotations

import json
import pickle
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.io import savemat
from scipy.spatial import cKDTree

from backend.colour import from_linear
from backend.frames import rotation_from_angles
from backend.landmarks import IBUG_68_FROM_478
from backend.models import ict
from backend.morphable import load_head_model
from backend.raster import triangulate

TURN = rotation_from_angles(4.0, -3.0, 2.0).T @ rotation_from_angles(0, 0, 0)
"""The authors' axes are a few degrees off ours."""
OFFSET_MM = np.array([3.0, -20.0, 45.0])
COMPONENTS = 5


@dataclass(frozen=True)
class Cut:
    """Some vertices of the shipped head, in axes of their own."""

    vertices: np.ndarray
    """(N,) of the shipped head."""
    mean: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    triangles: np.ndarray
    keypoints: np.ndarray
    """(68,)"""
    colour: np.ndarray
    """(N,3) sRGB bytes, not whole ones."""
    tints: np.ndarray
    """(C,N,3) what one deviation adds to them."""


def cut(regions: tuple[str, ...]) -> Cut:
    """The part of the shipped head in some of its regions; lengths in mm."""
    head = load_head_model()
    mask = np.any([head.regions[name] for name in regions], axis=0)
    number = np.cumsum(mask) - 1
    triangles = triangulate(head.polygons).vertices
    mean = head.mean[mask].astype(np.float64) @ TURN.T + OFFSET_MM
    marks = head.landmarks_68.of(head.mean) @ TURN.T + OFFSET_MM
    albedo = head.albedo.mean[mask].astype(np.float64)
    colour, spread = 255 * from_linear(albedo), head.albedo.components[:COMPONENTS, mask]
    return Cut(
        vertices=np.flatnonzero(mask),
        mean=mean,
        identity=head.identity[:COMPONENTS, mask] @ TURN.T,
        expression=head.expression[:COMPONENTS, mask] @ TURN.T,
        triangles=number[triangles[mask[triangles].all(1)]],
        keypoints=cKDTree(mean).query(marks)[1],
        colour=colour,
        tints=255 * from_linear((albedo + spread).clip(0.001)) - colour,
    )


def write_bfm(folder: Path) -> Cut:
    """The six files of Deng et al.; returns the front that a loader must find in them."""
    whole = cut(("face", "neck", "scalp"))
    front = cut(("face",))
    beside = np.flatnonzero(~np.isin(whole.vertices, front.vertices))
    trim = np.delete(np.arange(len(whole.vertices)), beside[:20])
    in_trim = np.searchsorted(whole.vertices[trim], front.vertices)
    basis = whole.identity.reshape(COMPONENTS, -1) * 1e3
    spread = np.linalg.norm(basis, axis=1)
    tints = whole.tints.reshape(COMPONENTS, -1)
    contrast = np.linalg.norm(tints, axis=1)
    micrometres = (whole.mean * 1e3).reshape(-1, 1).astype(np.float32)
    savemat(
        folder / "01_MorphableModel.mat",
        {
            "shapeMU": micrometres,
            "shapePC": (basis / spread[:, None]).T.astype(np.float32),
            "shapeEV": spread[:, None].astype(np.float32),
            "texMU": whole.colour.reshape(-1, 1).astype(np.float32),
            "texPC": (tints / contrast[:, None]).T.astype(np.float32),
            "texEV": contrast[:, None].astype(np.float32),
            "tl": whole.triangles[:, [0, 2, 1]] + 1.0,
        },
    )
    savemat(folder / "BFM_exp_idx.mat", {"trimIndex": (trim + 1.0)[:, None]})
    savemat(folder / "BFM_front_idx.mat", {"idx": (in_trim + 1.0)[:, None]})
    savemat(
        folder / "facemodel_info.mat",
        {"tri": front.triangles[:, [0, 2, 1]] + 1.0, "keypoints": (front.keypoints + 1.0)[None]},
    )
    std = np.linspace(0.5, 2.0, COMPONENTS)
    moves = whole.expression[:, trim] * 1e3 / std[:, None, None]
    data = np.concatenate([np.zeros(3 * len(trim)), moves.ravel()]).astype("<f4")
    (folder / "Exp_Pca.bin").write_bytes(np.int32(COMPONENTS).tobytes() + data.tobytes())
    np.savetxt(folder / "std_exp.txt", std[None])
    return front


def write_bfm_front(path: Path) -> Cut:
    """``BFM_model_front.mat``, in decimetres."""
    front = cut(("face",))
    savemat(
        path,
        {
            "meanshape": front.mean.reshape(1, -1) / 100,
            "idBase": front.identity.reshape(COMPONENTS, -1).T / 100,
            "exBase": front.expression.reshape(COMPONENTS, -1).T / 100,
            "meantex": front.colour.reshape(1, -1),
            "texBase": front.tints.reshape(COMPONENTS, -1).T,
            "tri": front.triangles + 1.0,
            "keypoints": (front.keypoints + 1.0)[None],
        },
    )
    return front


def write_flame(folder: Path, name: str = "generic_model.pkl", *, chumpy: bool = True) -> Cut:
    """``generic_model.pkl`` with objects of chumpy and a sparse matrix, and the static landmarks."""
    face = cut(("skin", "eye_left", "eye_right"))
    count = len(face.mean)
    directions = np.zeros((count, 3, 300 + COMPONENTS))
    directions[..., :COMPONENTS] = np.moveaxis(face.identity, 0, 2)
    directions[..., 300:] = np.moveaxis(face.expression, 0, 2)
    weights = np.zeros((count, 5))
    weights[:, 0] = 1.0
    chin = face.mean[:, 1] < face.mean[face.keypoints[57], 1]
    weights[chin, 0], weights[chin, 2] = 0.0, 1.0
    regressor = np.zeros((5, count))
    regressor[:, face.keypoints[0]] = regressor[:, face.keypoints[16]] = 0.5
    arrays = {
        "v_template": face.mean / 1000,
        "shapedirs": directions / 1000,
        "f": face.triangles.astype(np.uint32),
        "weights": weights,
        "J_regressor": sp.csc_matrix(regressor),
        "posedirs": np.zeros((count, 3, 36)),
        "bs_type": "lrotmin",
    }
    if name.endswith(".npz"):
        arrays["J_regressor"] = regressor
        np.savez(folder / name, **{key: value for key, value in arrays.items() if key != "bs_type"})
    else:
        (folder / name).write_bytes(_with_chumpy(arrays) if chumpy else pickle.dumps(arrays, 2))
    _write_landmarks(folder, face)
    return face


def _write_landmarks(folder: Path, face: Cut) -> None:
    """Each mark as a corner of one of its triangles."""
    triangle = np.array([np.flatnonzero((face.triangles == k).any(1))[0] for k in face.keypoints])
    weights = (face.triangles[triangle] == face.keypoints[:, None]).astype(np.float64)
    inner = {"lmk_face_idx": triangle[17:].astype(np.uint32), "lmk_b_coords": weights[17:]}
    (folder / "flame_static_embedding.pkl").write_bytes(pickle.dumps(inner, 2))
    contour = {"lmk_face_idx": triangle[None, :17], "lmk_b_coords": weights[None, :17]}
    np.save(folder / "flame_dynamic_embedding.npy", np.array(contour, object), allow_pickle=True)


def write_mediapipe_landmarks(folder: Path, face: Cut) -> None:
    """MediaPipe's embedding, with the inner points of the 68."""
    triangle = np.array([np.flatnonzero((face.triangles == k).any(1))[0] for k in face.keypoints[17:]])
    np.savez(
        folder / "mediapipe_landmark_embedding.npz",
        lmk_face_idx=triangle,
        lmk_b_coords=(face.triangles[triangle] == face.keypoints[17:, None]).astype(np.float64),
        landmark_indices=np.array(IBUG_68_FROM_478[17:]),
    )


def _with_chumpy(arrays: dict) -> bytes:
    """The pickle that Python would write if chumpy were installed."""
    package, module = types.ModuleType("chumpy"), types.ModuleType("chumpy.ch")
    kind = type("Ch", (), {"__module__": "chumpy.ch", "__qualname__": "Ch"})
    module.Ch = kind
    wrapped = kind()
    wrapped.__dict__.update(x=arrays["shapedirs"], _dirty_vars=set(), _status="new")
    sys.modules.update({"chumpy": package, "chumpy.ch": module})
    try:
        return pickle.dumps({**arrays, "shapedirs": wrapped}, 2)
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]


VERTEX_RANGES = ((0, 14062), (14062, 17039), (17039, 21451), (21451, 23021), (23021, 24591), (25351, 26719))
"""Of skin, gums, teeth, eyes and lashes in ICT-FaceKit."""


def write_ict(folder: Path) -> np.ndarray:
    """``FaceXModel`` in full size but with a made-up shape: a ball with the marks of a face.

    Returns the neutral vertices, cm.
    """
    head = load_head_model()
    # A spiral from pole to pole: vertices that follow each other are neighbours.
    height = np.linspace(1, -1, ict.VERTICES)
    angle = 200 * np.arange(ict.VERTICES) * np.pi / ict.VERTICES
    ring = np.sqrt(1 - height**2)
    vertices = 8.0 * np.column_stack([ring * np.cos(angle), height, ring * np.sin(angle)])
    vertices[list(ict.LANDMARKS_68)] = head.landmarks_68.of(head.mean) / 10
    polygons = np.zeros((ict.POLYGONS, 4), int)
    for (start, stop), (low, high) in zip(ict.PARTS.values(), VERTEX_RANGES, strict=True):
        polygons[start:stop] = low + (np.arange(stop - start)[:, None] + np.arange(4)) % (high - low)
    uvs = np.array([[0.25, 0.5], [0.75, 0.5], [1.25, 0.5], [1.75, 0.5]])
    for name, shift in {
        "generic_neutral_mesh": 0.0, "identity000": 0.5, "identity001": -0.25,
        "browInnerUp_L": 0.1, "browInnerUp_R": 0.2, "jawOpen": 0.4, "eyeBlink_L": 0.3,
    }.items():  # fmt: skip
        _write_obj(folder / f"{name}.obj", vertices + np.array([0, shift, 0]), uvs, polygons)
    names = ["browInnerUp_L", "browInnerUp_R", "jawOpen", "eyeBlink_L"]
    (folder / "vertex_indices.json").write_text(json.dumps({"expressions": names}))
    return vertices


def _write_obj(path: Path, vertices: np.ndarray, uvs: np.ndarray, polygons: np.ndarray) -> None:
    lines = ["mtllib ICTFaceModelMaterial.mtl"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += [f"vt {u} {v}" for u, v in uvs]
    # The head's tile begins with the polygons of head and neck.
    tile = np.where(np.arange(len(polygons)) < ict.SKIN_FACE[1], 0, 2)
    corner = np.arange(4) % 2
    lines += [
        "f " + " ".join(f"{p + 1}/{start + k + 1}" for p, k in zip(row, corner, strict=True))
        for row, start in zip(polygons.tolist(), tile.tolist(), strict=True)
    ]
    path.write_text("\n".join(lines))
