"""Pose and expression of one photo on the head of another (section S3 of Deep 3D Portrait's supplement)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .errors import ExpressionsDiffer
from .frames import Pose
from .protocol import common_expressions
from .reconstruction import Reconstruction


@dataclass(frozen=True)
class FaceMeasure:
    """How one person holds the head and the face in a photo; nothing of who it is."""

    pose: Pose
    expression: dict[str, float]
    """Weights by name, see :attr:`backend.morphable.MorphableModel.expression_bounds`."""
    model: str
    """Name of the morphable model that the expressions belong to."""
    warnings: tuple[str, ...] = ()


def transferred(
    target: Reconstruction, source: FaceMeasure, *, pose: bool = True, expression: bool = True
) -> tuple[Reconstruction, Pose]:
    """The head of ``target`` with what ``source`` does, and the pose to render it in.

    The pose is taken as seen: the head faces its camera as the source faced its own, wherever either
    stands in its picture. Expressions that the source's model does not know stay as they are.

    Args:
        target: the head that is to move; it keeps its place, shape and texture.
        source: what another photo shows.
        pose: whether to take the pose over.
        expression: whether to take the expression over.

    Raises:
        ExpressionsDiffer: the two morphable models have no expression in common.
    """
    turned = target.pose.facing_like(source.pose) if pose else target.pose
    if not expression:
        return target, turned
    names = common_expressions(source.expression, source.model, target.expression_names, target.model)
    if not names:
        raise ExpressionsDiffer(
            f"The expressions of {source.model} and {target.model} cannot be compared.",
            "Use one morphable model for both photos, or take over the pose alone.",
        )
    known = zip(target.expression_names, target.expression.tolist(), strict=True)
    weights = [source.expression[name] if name in names else own for name, own in known]
    return replace(target, expression=np.array(weights, np.float32)), turned
