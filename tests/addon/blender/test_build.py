"""Building a head in a real Blender."""

from __future__ import annotations

import bpy


def test_builds(head):
    print(head.name, [o.name for o in bpy.data.objects])
    assert head.name == "Head"
