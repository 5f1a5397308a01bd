"""``likeness setup``: make, update, repair or remove the backend's own environment."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from ..errors import LikenessError
from ..protocol import to_json
from ..setup import machine, removal, steps
from ..setup.plan import Plan, make_plan
from ..setup.report import Ended, Progress, in_words
from .console import CLEAR_LINE

FAILED = 1
SOURCE_ROOT = Path(__file__).resolve().parents[2]


def run(options: argparse.Namespace) -> int:
    """Do it, telling how far it is: a line for people, JSON lines for programs."""
    folder = (options.folder or default_folder()).absolute()
    cancel = threading.Event()
    if options.life_line:
        _watch_stdin(cancel)
    tell = _tell_programs if options.json else _tell_people
    try:
        ended = _do(options, folder, tell, cancel)
    except LikenessError as error:
        ended = Ended(False, error.message, error.hint)
    if options.json:
        print(to_json(ended), flush=True)
    else:
        _clear()
        print(f"{ended.message} {ended.remedy}".strip(), file=sys.stdout if ended.ok else sys.stderr)
    return 0 if ended.ok else FAILED


def _do(options: argparse.Namespace, folder: Path, tell: steps.Tell, cancel: threading.Event) -> Ended:
    """What the options ask for."""
    if options.remove:
        removal.remove(folder)
        return Ended(True, f"Nothing of Likeness is left in {folder}.")
    plan = make_plan(
        folder,
        SOURCE_ROOT,
        machine.look(),
        device=options.device,
        wheels=options.wheels.absolute() if options.wheels else None,
        python=options.python,
    )
    if options.dry_run:
        return Ended(True, describe(plan))
    if options.collect:
        steps.collect(plan, options.collect.absolute(), tell, cancel)
        return Ended(True, f"Everything is in {options.collect}: likeness setup --wheels {options.collect}")
    if plan.wheels is None and not options.online:
        return Ended(False, describe(plan), "Add --online to allow that, or name a folder with --wheels.")
    return Ended(True, steps.set_up(plan, tell, cancel))


def describe(plan: Plan) -> str:
    """What a setup would do, in a few lines."""
    source = (
        f"the wheels in {plan.wheels}"
        if plan.wheels
        else f"the network ({plan.download_bytes / 1e6:,.0f} MB)"
    )
    lines = [
        f"Likeness would make an environment in {plan.folder}",
        f"  for {plan.device.value}, about {plan.install_bytes / 1e9:.1f} GB,",
        f"  with Python {plan.base.version} ({plan.base.path}) and {plan.uv or 'pip'},",
        f"  from {source}, as {' and '.join(lock.name for lock in plan.locks)} say.",
    ]
    if plan.unhashed:
        lines.append(f"  {' and '.join(plan.unhashed)} pins a version, but no content.")
    return "\n".join(lines)


def default_folder() -> Path:
    """Where an environment outside Blender goes: the place for a person's application data."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "likeness" / "environment"


def _tell_programs(progress: Progress) -> None:
    print(to_json(progress), flush=True)


def _tell_people(progress: Progress) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{CLEAR_LINE}{progress.fraction:4.0%}  {in_words(progress)}")
        sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write(CLEAR_LINE)


def _watch_stdin(cancel: threading.Event) -> None:
    """The end of standard input (the artist cancels, Blender ends or crashes) stops the setup."""

    def watch() -> None:
        # Not sys.stdin.read(): its lock, held by a daemon thread, aborts the interpreter at exit.
        while os.read(0, 4096):
            pass
        cancel.set()

    threading.Thread(target=watch, name="likeness-stdin", daemon=True).start()
