"""Makes an environment, step by step, so that an end at any moment leaves something to go on from.

The new environment grows beside the one in use. When the backend's doctor has tried it out, it takes over
by one move of a small file (:data:`.state.POINTER`); until then the old one works, afterwards it goes. A
journal (:data:`.state.MARKER`) lies there from the first step to the last and says what is being made.
Downloads survive an interruption; an interrupted installation is begun anew, because neither pip nor uv can
tell a half-installed package from a whole one.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import Cancelled, SetupFailed, StorageFailed
from ..files import write_file
from ..protocol import from_json, to_json
from . import children, state
from .explain import system_failed, tool_failed
from .lock import held
from .pace import Pace, size_of
from .plan import Plan
from .removal import remove_parts, remove_tree
from .report import Progress, Step
from .state import Environment, SetupState, digest, interpreter_of
from .tools import Command, clean_environment, tool_for

Tell = Callable[[Progress], None]

COMPLETE = "complete"
"""Lies in the folder of downloads when there is nothing more to fetch."""

DOCTOR = ("-X", "utf8", "-m", "backend", "doctor", "--json")


@dataclass(frozen=True)
class Journal:
    """What :data:`.state.MARKER` says about a setup that has begun."""

    fingerprint: str
    folder: str
    """Name of the environment being made."""
    installed: bool = False
    """Whether only trying it out and switching over are left to do."""


def set_up(plan: Plan, tell: Tell, cancel: threading.Event) -> str:
    """Make the environment, or complete, update or repair it; a sentence about what there is now.

    Does nothing if the one in use is current and healthy. Raises SetupFailed or Cancelled;
    then the environment before this one still works, and calling again goes on.
    """
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        with held(plan.folder / state.LOCK):
            return _Setup(plan, tell, cancel).run()
    except OSError as error:
        raise system_failed(error) from error
    except StorageFailed as error:
        if isinstance(error.__cause__, OSError):
            raise system_failed(error.__cause__) from error
        raise


def collect(plan: Plan, target: Path, tell: Tell, cancel: threading.Event) -> None:
    """Fill the folder ``target`` with every wheel of ``plan``, for computers without a network.

    Raises like :func:`set_up`.
    """
    online = replace(plan, folder=target / ".collecting", wheels=None, uv=None)
    try:
        online.folder.mkdir(parents=True, exist_ok=True)
        with held(online.folder / state.LOCK):
            _Setup(online, tell, cancel).fetch(target)
        shutil.rmtree(online.folder)
    except OSError as error:
        raise system_failed(error) from error


class _Setup:
    """One run, under the lock."""

    def __init__(self, plan: Plan, tell: Tell, cancel: threading.Event) -> None:
        self.plan = plan
        self.tool = tool_for(plan)
        self.cancel = cancel
        self.log = plan.folder / state.LOG
        self.downloads = plan.folder / state.DOWNLOADS
        self.downloaded = self.downloads / COMPLETE
        sizes = {Step.INSTALL: plan.install_bytes}
        if plan.wheels is None and plan.uv is None:
            sizes[Step.DOWNLOAD] = plan.download_bytes
        self.pace = Pace(sizes, tell)

    def run(self) -> str:
        """All steps that are still to be done."""
        self.log.write_text("", encoding="utf-8")
        self.pace.enter(Step.LOOK)
        journal = self._journal()
        if journal is None and (words := self._healthy()):
            self._clean()
            return words
        journal = journal or self._begin()
        environment = self.plan.folder / journal.folder
        if not journal.installed:
            self._require_space()
            self._create(environment)
            if not self.downloaded.exists():
                self._download(environment, self.downloads)
                self.downloaded.touch()
            self._install(environment)
            self._write(replace(journal, installed=True))
        words = self._verify(interpreter_of(environment))
        self._switch(environment)
        self._clean()
        return words

    def fetch(self, target: Path) -> None:
        """Only what is needed to download everything into ``target``."""
        self.log.write_text("", encoding="utf-8")
        environment = self.plan.folder / _name(self.plan.fingerprint)
        self._create(environment)
        self._download(environment, target)

    # Journal -----------------------------------------------------------------------------------

    def _journal(self) -> Journal | None:
        """The journal of an unfinished setup with the same plan; None if there is none."""
        try:
            text = (self.plan.folder / state.MARKER).read_text(encoding="utf-8")
            journal = from_json(Journal, text)
        except (FileNotFoundError, ValueError):
            return None
        return journal if journal.fingerprint == self.plan.fingerprint else None

    def _begin(self) -> Journal:
        """A new journal, before anything else is touched."""
        name = _name(self.plan.fingerprint)
        if (used := state.read(self.plan.folder).environment) is not None and used.folder == name:
            name = _name(self.plan.fingerprint + "-again")  # a repair, beside what is in use
        journal = Journal(self.plan.fingerprint, name)
        self._write(journal)
        self._forget_downloads()
        return journal

    def _write(self, journal: Journal) -> None:
        write_file(self.plan.folder / state.MARKER, to_json(journal).encode())

    # Steps -------------------------------------------------------------------------------------

    def _healthy(self) -> str:
        """What the doctor says of the environment in use, if it is the planned one and well; else nothing."""
        found = state.read(self.plan.folder)
        wanted = {lock.name: digest(lock) for lock in self.plan.locks}
        if found.state is SetupState.ABSENT or found.environment is None or found.interpreter is None:
            return ""
        if found.environment.locks != wanted:
            return ""
        try:
            return self._verify(found.interpreter)
        except SetupFailed:
            return ""

    def _require_space(self) -> None:
        """SetupFailed before anything is fetched that would not fit."""
        free = shutil.disk_usage(self.plan.folder).free + size_of(self.downloads)
        if free < self.plan.space_bytes:
            raise SetupFailed(
                f"The backend needs {self.plan.space_bytes / 1e9:.1f} GB; {free / 1e9:.1f} GB are free.",
                "Free some space. Then press Set Up Backend again.",
            )

    def _create(self, environment: Path) -> None:
        self.pace.enter(Step.CREATE)
        remove_tree(environment)
        self._run(self.tool.create(self.plan, environment), environment)

    def _download(self, environment: Path, target: Path) -> None:
        commands = self.tool.download(self.plan, environment, target)
        if commands:
            self.pace.enter(Step.DOWNLOAD)
            # Both the finished files and the one under way, which lies with the temporary files.
            self._run(commands, target)

    def _install(self, environment: Path) -> None:
        self.pace.enter(Step.INSTALL)
        try:
            commands = self.tool.install(self.plan, environment, self.downloads)
            self._run(commands, self.tool.grows(environment, self.downloads))
        except SetupFailed:
            # Perhaps what was fetched is damaged; and if the disk is full, this makes room.
            self._forget_downloads()
            raise

    def _forget_downloads(self) -> None:
        """Half a folder of downloads must not look like a whole one, so its mark goes first."""
        self.downloaded.unlink(missing_ok=True)
        remove_tree(self.downloads)

    def _verify(self, interpreter: Path) -> str:
        """Let the backend's doctor look; SetupFailed with its words if something is missing."""
        self.pace.enter(Step.VERIFY)
        self.downloads.mkdir(exist_ok=True)
        answer = self.downloads / "doctor.json"
        answer.unlink(missing_ok=True)
        code = self._child([str(interpreter), *DOCTOR], self.downloads, answer)
        try:
            findings = json.loads(answer.read_text(encoding="utf-8"))["findings"]
        except (ValueError, KeyError) as error:
            raise SetupFailed(
                "The new environment does not start.", f"Look at {self.log}; the doctor ended with {code}."
            ) from error
        for finding in findings:
            if finding["needed"] and not finding["ok"]:
                raise SetupFailed(f"{finding['name']}: {finding['detail']}.", finding["remedy"])
        # The first of what the doctor says of the engine is where it runs; the rest is for programmers.
        device = next((found["detail"] for found in findings if found["name"] == "engine"), "").split(",")[0]
        return f"The backend is ready: {device or 'all is well'}."

    def _switch(self, environment: Path) -> None:
        """From now on this is the environment in use."""
        pointer = Environment(
            folder=environment.name,
            device=self.plan.device.value,
            python=self.plan.base.version,
            locks={lock.name: digest(lock) for lock in self.plan.locks},
        )
        write_file(self.plan.folder / state.POINTER, to_json(pointer).encode())

    def _clean(self) -> None:
        """Only the environment in use and the log stay; the journal goes last."""
        self.pace.enter(Step.CLEAN)
        used = state.read(self.plan.folder).environment
        for path in self.plan.folder.glob(state.ENVIRONMENTS):
            if path.is_dir() and (used is None or path.name != used.folder):
                remove_tree(path)
        remove_tree(self.downloads)
        remove_parts(self.plan.folder)
        (self.plan.folder / state.MARKER).unlink(missing_ok=True)

    # Tools -------------------------------------------------------------------------------------

    def _run(self, commands: Sequence[Command], watched: Path) -> None:
        """Run commands one after the other; SetupFailed with the reason if one of them fails."""
        tick_of = self.pace.watch(watched)
        for command in commands:
            said_before = self.log.stat().st_size
            code = self._child(command, watched, self.log, tick_of)
            if code != 0:
                with self.log.open("rb") as log:
                    log.seek(said_before)
                    said = log.read().decode(errors="replace")
                raise tool_failed(Path(command[0]).name, said)

    def _child(
        self, command: Command, watched: Path, output: Path, tick: Callable[[], None] | None = None
    ) -> int:
        """One tool, in a clean environment; Cancelled if the artist stops it."""
        temporary = self.downloads / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        environment = clean_environment(os.environ, temporary)
        environment["PYTHONPATH"] = str(self.plan.source_root)  # for the doctor; the tools are isolated
        code = children.run(
            command,
            environment=environment,
            place=temporary,
            output=output,
            errors=self.log,
            cancel=self.cancel,
            tick=tick or self.pace.watch(watched),
        )
        if self.cancel.is_set():
            raise Cancelled("The setup was stopped.", "Set Up Backend goes on where it stopped.")
        return code


def _name(fingerprint: str) -> str:
    return f"environment-{fingerprint}"
