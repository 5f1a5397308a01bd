"""Setups in real processes: whole ones, forced failures, and taking everything away again.

``tests/setup_failures.py`` forces many more failures, also with the real uv and pip.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import setup_failures
import setup_house as house

from backend.errors import SetupFailed
from backend.setup import children, lock, removal, state, steps
from backend.setup.report import Progress, Step

USUAL_S = 1.0
"""About as long as a setup of the tiny house takes; the moments of killing are drawn from it."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


@pytest.fixture(scope="module")
def base():
    return house.this_base()


@pytest.fixture
def world(tmp_path: Path, base):
    world = setup_failures.World(tmp_path, base)
    world.uv = world.things["uv"]
    return world


def make(world, tell=lambda _: None) -> str:
    """A setup in this process."""
    plan = house.plan_for(world.things, world.folder, world.base)
    return steps.set_up(plan, tell, threading.Event())


@posix
def test_a_setup_tells_its_steps_and_a_second_one_finds_nothing_to_do(world) -> None:
    told: list[Progress] = []
    assert "ready" in make(world, told.append)
    assert list(dict.fromkeys(progress.step for progress in told)) == [
        Step.LOOK,
        Step.CREATE,
        Step.INSTALL,
        Step.VERIFY,
        Step.CLEAN,
    ]
    told.clear()
    make(world, told.append)
    assert Step.INSTALL not in {progress.step for progress in told}


FAILURES = [
    *(setup_failures.kill_setup, setup_failures.stop, setup_failures.full_disk),
    *(setup_failures.exchanged_wheel, setup_failures.read_only, setup_failures.damaged_folder),
]
"""The others are in tests of their own below, or in the long run of ``setup_failures.py``."""


@posix
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_after_a_failure_the_same_setup_succeeds(world, failure) -> None:
    chance = random.Random(failure.__name__)
    setup_failures.check(world, failure, chance, USUAL_S, update=chance.random() < 0.3)


@posix
def test_the_previous_environment_works_until_the_new_one_does(world) -> None:
    make(world)
    before = state.read(world.folder).environment
    world.update()
    setup_failures.missing_wheel(world, random.Random(0), USUAL_S)
    assert state.read(world.folder).environment == before
    assert setup_failures.works(world)


@posix
def test_what_is_done_is_not_done_again(world) -> None:
    """The doctor fails at first: the second setup begins with him."""
    setup_failures.broken_library(world, random.Random(0), USUAL_S)
    told: list[Progress] = []
    make(world, told.append)
    assert Step.INSTALL not in {progress.step for progress in told}


@posix
def test_pip_downloads_what_the_locks_name(world) -> None:
    """With the real pip and an index on this computer; nothing is left of the downloads."""
    world.uv = None
    world.use_pip()
    with setup_failures.index(world.things["wheels"]) as url:
        assert world.run(index=url).ok
    assert setup_failures.works(world)
    assert len(list(world.folder.iterdir())) == 3


@posix
def test_removing_takes_what_was_made_and_nothing_else(world) -> None:
    make(world)
    theirs = world.folder / "my notes.txt"
    theirs.write_text("keep")
    removal.remove(world.folder)
    assert list(world.folder.iterdir()) == [theirs]
    theirs.unlink()
    (world.folder / state.MARKER).write_text("{}")
    removal.remove(world.folder)
    assert not world.folder.exists()
    removal.remove(world.folder)  # nothing to do


def test_too_little_space_is_seen_before_anything_is_made(world, base) -> None:
    plan = replace(house.plan_for(world.things, world.folder, base), download_bytes=10**15)
    with pytest.raises(SetupFailed, match="GB are free"):
        steps.set_up(plan, lambda _: None, threading.Event())
    assert not list(world.folder.glob(state.ENVIRONMENTS))


def test_two_setups_do_not_meet(tmp_path: Path) -> None:
    with lock.held(tmp_path / "lock"):
        code = (
            f"import sys; sys.path.insert(0, {str(setup_failures.ROOT)!r})\n"
            "from pathlib import Path\nfrom backend.setup import lock\n"
            "from backend.errors import SetupFailed\n"
            f"try:\n    lock.held(Path({str(tmp_path / 'lock')!r})).__enter__()\n"
            "except SetupFailed as error:\n    print(error.message)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "already" in done.stdout
    assert not (tmp_path / "lock").exists()
    with lock.held(tmp_path / "lock"):
        pass


def test_a_tool_tells_its_exit_code_and_its_words(tmp_path: Path) -> None:
    code = children.run(
        [sys.executable, "-c", "import sys; print('out'); sys.exit('err')"],
        environment={},
        place=tmp_path,
        output=tmp_path / "out",
        errors=tmp_path / "err",
        cancel=threading.Event(),
        tick=lambda: None,
    )
    assert code == 1
    assert (tmp_path / "out").read_text().strip() == "out"
    assert (tmp_path / "err").read_text().strip() == "err"
