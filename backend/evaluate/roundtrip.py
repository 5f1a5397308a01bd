"""How exactly the head, rendered by the photo's own camera, gives back the photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from .dataset import EvaluationItem, read_dataset
from .predict import REFUSALS, HeadRender, RenderPredictor

HEAD_REGIONS = (1, 2, 3, 5, 6, 7)
"""Everything but background, neck and body."""
PERFECT_DB = 100.0
"""Reported where not one pixel differs; the true value is infinite."""


def evaluate_roundtrip(dataset: Path | str, predictor: RenderPredictor) -> dict[str, Any]:
    """Compare renders at zero pose change with their photos, inside the head.

    The head is the true region where the data set has one and the predicted region elsewhere. Values
    are taken per image and averaged.

    Returns:
        ``{"psnr_db", "ssim"}`` (None if every photo was refused), and ``refused`` with ids and
        reasons if any photo was.
    """
    values: list[tuple[float, float]] = []
    refused: list[dict[str, str]] = []
    for item in read_dataset(dataset):
        try:
            result = predictor.render(item)
        except REFUSALS as refusal:
            refused.append({"id": item.id, "message": refusal.message})
            continue
        head = _head(item, result)
        if head.any():
            values.append(similarity_inside(result.photo, result.render, head))
        else:
            refused.append({"id": item.id, "message": "There is no head in the picture."})
    psnr, ssim = np.mean(values, axis=0).tolist() if values else (None, None)
    return {"psnr_db": psnr, "ssim": ssim, **({"refused": refused} if refused else {})}


def similarity_inside(
    photo: NDArray[np.uint8], render: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> tuple[float, float]:
    """PSNR in dB and mean SSIM of two sRGB pictures (H,W,3) over the pixels of ``inside`` (H,W).

    SSIM with the Gaussian window of Wang et al. (2004), sigma 1.5, on all three channels.
    """
    difference = photo[inside].astype(np.float64) - render[inside]
    error = float((difference**2).mean())
    psnr = PERFECT_DB if error == 0 else min(PERFECT_DB, 10 * np.log10(255.0**2 / error))
    _, similarity = structural_similarity(
        photo,
        render,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return float(psnr), float(similarity[inside].mean())


def _head(item: EvaluationItem, result: HeadRender) -> NDArray[np.bool_]:
    if item.regions is not None and result.head.shape == (regions := item.load_regions()).shape:
        return np.isin(regions, HEAD_REGIONS)
    return result.head
