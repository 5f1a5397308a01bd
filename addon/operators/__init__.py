"""Operators: gather, call, apply."""

from __future__ import annotations

from . import (
    add_light,
    backend,
    build_head,
    copy_from_photo,
    export_glb,
    import_photo,
    render_new_pose,
    reset_sliders,
    turn_head,
    view,
)

CLASSES = (
    *backend.CLASSES,
    *build_head.CLASSES,
    *import_photo.CLASSES,
    *copy_from_photo.CLASSES,
    *render_new_pose.CLASSES,
    *turn_head.CLASSES,
    *reset_sliders.CLASSES,
    *view.CLASSES,
    *add_light.CLASSES,
    *export_glb.CLASSES,
)
