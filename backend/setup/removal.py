"""Takes away what setups have made, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import state
from .explain import system_failed
from .lock import held


def remove(folder: Path) -> None:
    """Take away what setups have put into ``folder``, and the folder itself if nothing else is in it.

    SetupFailed if a setup is under way or the system does not let us.
    """
    if not folder.is_dir():
        return
    try:
        with held(folder / state.LOCK):
            # The pointer first: half an environment must not look like a whole one.
            (folder / state.POINTER).unlink(missing_ok=True)
            for path in [*folder.glob(state.ENVIRONMENTS), folder / state.DOWNLOADS]:
                if path.is_dir():
                    shutil.rmtree(path)
            remove_parts(folder)
            (folder / state.LOG).unlink(missing_ok=True)
            (folder / state.MARKER).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise system_failed(error) from error


def remove_tree(folder: Path) -> None:
    """Remove a folder as far as the system allows; files in use on Windows go with the next setup."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_parts(folder: Path) -> None:
    """What :func:`backend.files.write_file` had begun when it was killed."""
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)
