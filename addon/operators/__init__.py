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
    render_new_pose_animation,
    reset_sliders,
    set_up,
    turn_head,
    view,
)

CLASSES = (
    *backend.CLASSES,
    *set_up.CLASSES,
    *build_head.CLASSES,
    *import_photo.CLASSES,
    *copy_from_photo.CLASSES,
    *render_new_pose.CLASSES,
    *render_new_pose_animation.CLASSES,
    *turn_head.CLASSES,
    *reset_sliders.CLASSES,
    *view.CLASSES,
    *add_light.CLASSES,
    *export_glb.CLASSES,
)
