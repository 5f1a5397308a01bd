"""Build ``backend/assets/albedo.npz`` from portraits in the public domain and the generator's CC0 skins.

    python tools/build_albedo.py --portraits portraits

Portraits: a folder of pictures whose licence admits it, one face each; those set apart for testing
(``train/parsing/testset/ids.txt``) are left out. The skins come from ``train/synth/assets``. The same input
gives the same basis; looking at a portrait takes about a second on one CPU core.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backend.albedo import ALBEDO_ASSET, AlbedoBasis, packed
from backend.morphable import HEAD_ASSET, load_model
from tools.head_model.albedo import build_albedo
from tools.head_model.portraits import observe
from train.face.albedo import skin_of, vertex_albedo
from train.parsing.held_out import TEST_IDS, read_ids
from train.synth.people import sample_person
from train.synth.person import stream
from train.synth.scene import sample_who

PAINTED = 480
"""People of the generator; their tones are spread evenly over the human range."""
RENDERED = (1.07, 0.97, 0.95)
"""What takes the generator's pale skins to those of a colour chart (X-Rite ColorChecker, light skin: linear
0.54, 0.31, 0.22)."""
BALANCE_SPREAD = (0.05, 0.02, 0.07)
"""Of the logarithm of red, green and blue: skins and cameras differ more than the generator's."""
SEED = 2020
BATCH = 24
COMPONENTS = 80


def painted_people(count: int) -> NDArray[np.float32]:
    """(S,N,3) linear albedo of synthetic people of evenly spread tones."""
    people = []
    for seed in range(count):
        who = replace(sample_who(stream(seed, "who")), melanin=(seed + 0.5) / count)
        people.append(sample_person(seed, who))
    batches = [people[start : start + BATCH] for start in range(0, count, BATCH)]
    albedos = [
        vertex_albedo([skin_of(asdict(p.skin)) for p in batch], [asdict(p.facial) for p in batch]).numpy()
        for batch in batches
    ]
    balance = np.random.default_rng(SEED).normal(np.log(RENDERED), BALANCE_SPREAD, (count, 3))
    return np.concatenate(albedos) * np.exp(balance)[:, None].astype(np.float32)


def save(basis: AlbedoBasis, path: Path) -> None:
    """Write the basis as one compressed file of 16-bit numbers."""
    np.savez_compressed(path, **packed(basis))


def main() -> None:
    """Build the basis and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--portraits", type=Path, required=True, help="folder of portraits")
    parser.add_argument("--out", type=Path, default=ALBEDO_ASSET)
    arguments = parser.parse_args()
    portraits = observe(arguments.portraits, read_ids(TEST_IDS))
    basis = build_albedo(load_model(HEAD_ASSET), painted_people(PAINTED), portraits, COMPONENTS)
    save(basis, arguments.out)
    size = arguments.out.stat().st_size / 1e6
    print(f"{arguments.out}: {size:.2f} MB, {len(basis)} components, {len(portraits.names)} portraits")


if __name__ == "__main__":
    main()
