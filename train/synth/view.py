"""The cameras of B scenes as tensors, and the frame in which scenes are lit.

*View* frame: the camera's axes turned y-up (x right, y up, z towards the camera), mm, origin at the head
centre. The head frame turned by the pose alone, so that light stays where it is when a head turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.camera import Camera
from backend.frames import HEAD_TO_CAMERA_AXES, Pose

NEAREST_MM = 10.0
"""Whatever comes closer to the camera's plane than this is held there; nobody does."""


@dataclass(frozen=True)
class Views:
    """Poses and square pictures of B scenes."""

    rotation: Tensor
    """(B,3,3) head axes to view axes."""
    centre: Tensor
    """(B,3) head centre in camera space (OpenCV axes), mm."""
    focal: Tensor
    """(B,2) fx, fy in pixels."""
    principal: Tensor
    """(B,2) cx, cy in pixels."""
    size: int

    def one(self, index: int) -> Views:
        """One of the views, alone."""
        mine = slice(index, index + 1)
        return Views(
            self.rotation[mine], self.centre[mine], self.focal[mine], self.principal[mine], self.size
        )

    def finer(self, up: int, down: int) -> Views:
        """The same views on ``up / down`` times as many pixels."""
        scale = up / down
        return Views(
            self.rotation,
            self.centre,
            self.focal * scale,
            (self.principal + 0.5) * scale - 0.5,
            self.size * up // down,
        )

    def to_view(self, points_head: Tensor) -> Tensor:
        """Points (B,...,3) of the head frame in the view frame."""
        flat = points_head.flatten(1, -2) @ self.rotation.mT
        return flat.reshape(points_head.shape)

    def project(self, points_view: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (B,N,2) and depth (B,N) in mm of view points (B,N,3)."""
        x, y, z = points_view.unbind(-1)
        depth = (self.centre[:, 2:] - z).clamp(min=NEAREST_MM)
        across = torch.stack([x + self.centre[:, :1], self.centre[:, 1:2] - y], dim=-1) / depth[..., None]
        return across * self.focal[:, None] + self.principal[:, None], depth

    def lift(self, pixel: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """View points (P,3) and picture (P,) of flat pixel indices (P,) with depth (P,)."""
        line = (pixel.int() // self.size).int()
        column = (pixel.int() - line * self.size).float()
        picture = line // self.size
        row = (line - picture * self.size).float()
        focal, principal, centre = (pick(t, picture) for t in (self.focal, self.principal, self.centre))
        x = (column - principal[:, 0]) / focal[:, 0] * depth - centre[:, 0]
        y = centre[:, 1] - (row - principal[:, 1]) / focal[:, 1] * depth
        return torch.stack([x, y, centre[:, 2] - depth], dim=1), picture


def pick(table: Tensor, picture: Tensor) -> Tensor:
    """Rows (P,...) of a table (B,...) for pixels of pictures (P,); (1,...) where there is but one picture.

    A CPU draws one picture at a time, and what all its pixels share is better not copied.
    """
    return table if len(table) == 1 else table.index_select(0, picture)


def stack_views(poses: list[Pose], cameras: list[Camera], device: torch.device) -> Views:
    """Views of B scenes whose pictures are squares of one size."""

    def tensor(rows: list) -> Tensor:
        return torch.from_numpy(np.array(rows, np.float32)).to(device)

    return Views(
        tensor([HEAD_TO_CAMERA_AXES @ pose.rotation for pose in poses]),
        tensor([pose.translation_mm for pose in poses]),
        tensor([(camera.fx, camera.fy) for camera in cameras]),
        tensor([(camera.cx, camera.cy) for camera in cameras]),
        cameras[0].width,
    )
