"""What all tests share."""

from __future__ import annotations

try:
    from hypothesis import settings
except ModuleNotFoundError:  # Blender's environments carry pytest only
    pass
else:
    settings.register_profile("repository", deadline=None, database=None)
    settings.load_profile("repository")
