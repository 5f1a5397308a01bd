"""Cuts windows with the true normals out of what the generator wrote, and draws bald heads beside them:

    python -m train.normals.prepare --faces DIR --plain 4000 --out DIR

Drawing a face takes longer than learning from it; so each is drawn once, somewhat wider than the network
looks, and seen often: strayed, mirrored, brighter and darker (:mod:`.data`).
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.morphable import load_head_model
from backend.nets.face_crop import WindowCameras, face_window
from backend.nets.normal_net import STRIDE
from backend.raster.zbuffer import rasterize_pictures

from ..common.errors import TrainingError
from ..face.data import Jitter, KnownFace, read_faces, strayed, tensors
from ..face.plain import PlainFaces
from ..face.render import vertex_normals
from ..face.shape import ShapeModel, shape_model

WIDER = 1.2
"""Side of a prepared window over that of the network's: room to stray."""
SIDE = 192
"""Of a prepared picture, pixels."""
PICTURES, NORMALS = "pictures.npy", "normals.npy"
UNIT = 127
"""Length of a unit normal in int8: half a degree is lost at most."""
BEYOND = 1.0
"""Greatest strength of what the model cannot show, in a bald head."""
LOG_EVERY = 200

Sample = dict[str, Tensor]


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if something could not be read."""
    parser = argparse.ArgumentParser(prog="python -m train.normals.prepare", description="Cuts windows.")
    parser.add_argument("--faces", type=Path, nargs="*", default=[], help="folders of train.synth --faces")
    parser.add_argument("--plain", type=int, default=0, help="so many bald heads")
    parser.add_argument("--seed", type=int, default=0, help="of the bald heads")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        known = [face for folder in options.faces for face in read_faces(folder)]
        prepare(known, options.plain, options.seed, options.out)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def prepare(known: Sequence[KnownFace], plain: int, seed: int, out: Path) -> None:
    """Write ``pictures.npy`` (M,192,192,3) uint8 sRGB and ``normals.npy`` (M,96,96,3) int8.

    Normals are those of :class:`backend.nets.normal_net.FaceNormals` times 127, and 0 beside the face. They
    are known under hair, hats and glasses, too: there the network learns to doubt. Raises BrokenSample.
    """
    out.mkdir(parents=True, exist_ok=True)
    count, small = len(known) + plain, SIDE // STRIDE
    pictures = _table(out / PICTURES, (count, SIDE, SIDE, 3), np.uint8)
    normals = _table(out / NORMALS, (count, small, small, 3), np.int8)
    for number, sample in enumerate(_windows(known, plain, seed)):
        pixels = (sample["picture"].permute(1, 2, 0) + 1) * 127.5
        pictures[number] = pixels.round().byte().numpy()
        normals[number] = np.rint(true_normals(sample, small) * UNIT).astype(np.int8)
        if not (number + 1) % LOG_EVERY:
            logging.info("%d of %d windows", number + 1, count)
    pictures.flush()
    normals.flush()


def _table(path: Path, shape: tuple[int, ...], kind: type) -> np.memmap:
    return np.lib.format.open_memmap(path, "w+", kind, shape)


def _windows(known: Sequence[KnownFace], plain: int, seed: int) -> Iterator[Sample]:
    """Samples as :func:`train.face.data.tensors` gives them."""
    wide = Jitter(0.0, 0.0, WIDER)
    for face in known:
        window = strayed(face_window(face.landmarks_px, SIDE), wide, np.random.default_rng(0))
        yield tensors(face, *face.read(), window)
    bald = PlainFaces(wide, seed, BEYOND)
    for number in range(plain):
        yield bald.sample(number, SIDE)


def true_normals(sample: Sample, side: int) -> NDArray[np.float32]:
    """(S,S,3) unit normals of a window's face as the network should say them; 0 where its skin is not."""
    model, face = _model()
    shrunk = side / sample["picture"].shape[-1]
    cameras = WindowCameras(
        sample["focal"][None] * shrunk, ((sample["principal"] + 0.5) * shrunk - 0.5)[None], side
    )
    shape = model.vertices(sample["identity"][None], sample["expression"][None]) + sample["beyond"]
    points = cameras.to_camera(shape, sample["rotation"][None], sample["place"][None])
    drawable = torch.ones(1, len(model.triangles), dtype=torch.bool)
    hits = rasterize_pictures(cameras.project(points), points[..., 2], model.triangles, drawable, side, side)
    at = vertex_normals(shape, model.triangles)[0] @ sample["rotation"].T
    mixed = torch.einsum("pk,pkc->pc", hits.barycentric, at[model.triangles[hits.triangle]])
    upright = torch.nn.functional.normalize(mixed, dim=1) * mixed.new_tensor([1.0, -1.0, -1.0])
    upright[~face[hits.triangle]] = 0.0
    drawn = torch.zeros(side * side, 3)
    drawn[hits.pixel] = upright
    return drawn.view(side, side, 3).numpy()


@cache
def _model() -> tuple[ShapeModel, Tensor]:
    """The shipped head, and which of its triangles (T,) are the face's skin."""
    model = shape_model(load_head_model(), torch.device("cpu"))
    return model, model.face[model.triangles].all(dim=1)


if __name__ == "__main__":
    sys.exit(main())
