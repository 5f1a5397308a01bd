# ruff: noqa: T201  (a command line of its own)
"""Forced failures of a setup: each must end in a state from which the same setup succeeds, leaving nothing.

    python tests/setup_failures.py --count 100 [--seed 7] [--uv PATH] [--pip]

Every failure happens in a real process, in a folder with spaces and letters of many languages, half of the
time during an update of an environment that works. Afterwards the same setup runs again, undisturbed. Without
``--uv`` a stand-in does uv's work (``setup_house.py``); with ``--pip`` the real pip does.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import setup_house as house  # noqa: E402

from backend.errors import LikenessError  # noqa: E402
from backend.setup import state, steps, tools  # noqa: E402
from backend.setup.interpreters import Base  # noqa: E402
from backend.setup.report import Ended, read  # noqa: E402

PLACE = "Zoë's häuser 頭 и"
"""Spaces, an apostrophe and letters that no single old code page has."""

LONGEST_S = 120.0
"""A setup that takes longer hangs."""


Order = dict[str, str | int]


@dataclass
class World:
    """One house with one folder to set up."""

    place: Path
    base: Base
    uv: Path | None = None
    """None for pip."""
    things: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.things = house.build(self.place / "house")
        self.folder = self.place / PLACE / "backend"
        self.temporary = self.place / "tmp"
        self.temporary.mkdir()
        if self.uv is None:
            self.use_pip()

    def use_pip(self) -> None:
        """The wheel of pip that this Python brings stands in for the newer one of the lock."""
        assert self.base.pip is not None
        pip = Path(shutil.copy(self.base.pip, self.things["wheels"]))
        lock = house.write_lock(self.place / "pip.txt", [pip])
        lock.write_text(lock.read_text().replace("==1.0", f"=={pip.name.split('-')[1]}"))

    def start(self, *, index: str = "", slow_s: float = 0.0, limit: int = 0) -> subprocess.Popen[str]:
        """A setup in a process of its own; ``limit`` is the size to which files may grow (a full disk)."""
        return subprocess.Popen(
            [sys.executable, __file__, "--child", json.dumps(self.order(index, limit))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | self.environment(index, slow_s),
        )

    def run(self, *, index: str = "", limit: int = 0) -> Ended:
        """A setup to its end; in this process where nothing of the kind is asked for, which is quicker."""
        if not index and not limit:
            with mock.patch.dict(os.environ, self.environment()):
                return set_up(self.order(), threading.Event())
        ended = last_words(self.start(index=index, limit=limit))
        assert ended is not None
        return ended

    def order(self, index: str = "", limit: int = 0) -> Order:
        """What :func:`set_up` needs to know."""
        return {
            "place": str(self.place),
            "folder": str(self.folder),
            "uv": str(self.uv or ""),
            "index": index,
            "limit": limit,
            "python": str(self.base.path),
            "version": self.base.version,
            "pip": str(self.base.pip),
        }

    def environment(self, index: str = "", slow_s: float = 0.0) -> dict[str, str]:
        """Variables: temporary files are ours to look at, and no index but ours is asked."""
        return {
            "TMPDIR": str(self.temporary),
            "FAKE_UV_SLEEP_S": str(slow_s),
            "PIP_INDEX_URL": index,
            "PIP_FIND_LINKS": "",
            "PIP_RETRIES": "1",
            "PIP_CONFIG_FILE": os.devnull,
        }

    def update(self) -> None:
        """The same wheels under a lock that differs, as a new version of Likeness brings one."""
        lock = self.things["locks"] / "common.txt"
        lock.write_text(lock.read_text() + "# newer\n")


def last_words(process: subprocess.Popen[str]) -> Ended | None:
    """Wait for the end; its last line, if it had any. The life line stays whole meanwhile."""
    assert process.stdout is not None
    out = process.stdout.read()
    process.wait(LONGEST_S)
    ended = read(out.splitlines()[-1]) if out else None
    assert ended is None or isinstance(ended, Ended), out
    return ended


def child(order: Order) -> None:
    """The process in which a setup fails or succeeds; it ends with its standard input."""
    from backend.protocol import to_json

    if order["limit"]:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(order["limit"]), int(order["limit"])))
    cancel = threading.Event()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        cancel.set()

    threading.Thread(target=watch, daemon=True).start()
    print(to_json(set_up(order, cancel)), flush=True)


def set_up(order: Order, cancel: threading.Event) -> Ended:
    """One setup of the tiny house."""
    place = Path(str(order["place"]))
    names = {"wheels": "wheels", "source": "source", "uv": "uv", "locks": "locks"}
    things = {name: place / "house" / folder for name, folder in names.items()}
    base = Base(Path(str(order["python"])), str(order["version"]), Path(str(order["pip"])))
    plan = house.plan_for(things, Path(str(order["folder"])), base)
    plan = replace(plan, uv=Path(str(order["uv"])) if order["uv"] else None)
    if order["index"]:
        tools.PIP_LOCK = place / "pip.txt"
        plan = replace(plan, wheels=None)
    try:
        return Ended(True, steps.set_up(plan, lambda _: None, cancel))
    except LikenessError as error:
        return Ended(False, error.message, error.hint)


# Failures: each returns what the artist read, or nothing if the process could not say a word any more ------


def kill_setup(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """The setup is killed at a random moment."""
    process = world.start(slow_s=usual_s / 40)
    time.sleep(chance.uniform(0, usual_s))
    process.kill()
    process.communicate()
    return None


def stop(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """Blender ends, or the artist stops: the life line breaks."""
    process = world.start(slow_s=usual_s / 40)
    time.sleep(chance.uniform(0, usual_s))
    assert process.stdin is not None
    process.stdin.close()
    return last_words(process)


def kill_tool(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """The system kills what the setup has started (memory is short)."""
    process = world.start(slow_s=usual_s / 40)
    time.sleep(chance.uniform(usual_s / 3, usual_s))
    for pid in descendants(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return last_words(process)


def full_disk(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """Files cannot grow beyond a random size."""
    return world.run(limit=chance.choice([100, 2_000, 50_000, 200_000]))


def exchanged_wheel(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """A wheel is not the one that was locked."""
    return _with_other_wheel(world, chance, lambda data: data[:-40] + bytes(40))


def truncated_wheel(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """A wheel ends too early."""
    return _with_other_wheel(world, chance, lambda data: data[: len(data) // 2])


def missing_wheel(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """A wheel is not there."""
    return _with_other_wheel(world, chance, lambda data: None)


def _with_other_wheel(
    world: World, chance: random.Random, change: Callable[[bytes], bytes | None]
) -> Ended | None:
    wheel = world.things["wheels"] / f"{chance.choice(house.NAMES)}-1.0-py3-none-any.whl"
    data = wheel.read_bytes()
    changed = change(data)
    wheel.unlink()
    if changed is not None:
        wheel.write_bytes(changed)
    try:
        return world.run()
    finally:
        wheel.write_bytes(data)


def broken_library(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """Everything is installed, and the doctor finds that it does not work."""
    doctor = world.things["source"] / "backend" / "__main__.py"
    code = doctor.read_text()
    doctor.write_text(code.replace('ok = __import__(name).WORD == "whole"', "ok = False"))
    try:
        return world.run()
    finally:
        doctor.write_text(code)


def read_only(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """The folder may not be written; for root, to whom this does not apply, a file lies in its place."""
    folder = world.folder
    if os.name == "posix" and os.geteuid() == 0:
        aside = folder.with_name("aside")
        if folder.exists():
            folder.rename(aside)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.touch()
        try:
            return world.run()
        finally:
            folder.unlink()
            if aside.exists():
                aside.rename(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o500)
    try:
        return world.run()
    finally:
        folder.chmod(0o700)


def damaged_folder(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """Somebody tidied up: the pointer is nonsense, the interpreter is gone or a package is."""
    world.run()
    used = state.read(world.folder).environment
    assert used is not None
    environment = world.folder / used.folder
    match chance.randrange(3):
        case 0:
            (world.folder / state.POINTER).write_text("{")
        case 1:
            shutil.rmtree(environment / "bin")
        case _:
            shutil.rmtree(next(environment.glob("lib/python*/site-packages/alpha")))
    return None


def no_network(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """Nobody answers at the index. With pip, because uv is not asked for an index here."""
    return world.run(index="http://127.0.0.1:9/simple")


def bad_network(world: World, chance: random.Random, usual_s: float) -> Ended | None:
    """The index answers, but a download breaks off, or is not what was asked for."""
    with index(world.things["wheels"], fault=chance.choice(["cut", "other", "error"])) as url:
        return world.run(index=url)


WITHOUT_NETWORK = (
    kill_setup,
    kill_setup,
    kill_setup,
    kill_tool,
    stop,
    stop,
    full_disk,
    exchanged_wheel,
    truncated_wheel,
    missing_wheel,
    broken_library,
    read_only,
    damaged_folder,
)
WITH_NETWORK = (no_network, bad_network)
Failure = Callable[[World, random.Random, float], Ended | None]


def check(
    world: World, failure: Failure, chance: random.Random, usual_s: float, *, update: bool
) -> Ended | None:
    """Let it fail, then set up again; AssertionError if that does not succeed or leaves anything behind."""
    if update:
        assert world.run().ok
        world.update()
    ended = failure(world, chance, usual_s)
    if ended is not None and not ended.ok:
        assert ended.message, failure
        assert ended.remedy, ended.message
    if update and failure is not damaged_folder:
        assert works(world), f"{failure.__name__} broke the environment that worked"
    again = world.run()
    deadline = time.monotonic() + LONGEST_S
    while again.message.startswith("The backend is being set up already") and time.monotonic() < deadline:
        time.sleep(0.1)  # the process that was killed has not gone yet
        again = world.run()
    assert again.ok, f"after {failure.__name__}: {again.message} {again.remedy}"
    assert works(world)
    left = sorted(path.name for path in world.folder.iterdir())
    used = state.read(world.folder).environment
    assert used is not None
    assert left == sorted([state.POINTER, used.folder, state.LOG]), f"{failure.__name__} left {left}"
    assert list(world.temporary.iterdir()) == []
    assert [path.name for path in world.folder.parent.iterdir()] == ["backend"]
    return ended


def works(world: World) -> bool:
    """Whether the environment in use can do its work."""
    interpreter = state.read(world.folder, world.things["locks"]).interpreter
    if interpreter is None:
        return False
    code = "import alpha, beta, gamma; assert alpha.WORD == beta.WORD == gamma.WORD == 'whole'"
    return subprocess.run([str(interpreter), "-I", "-c", code], check=False).returncode == 0


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and theirs (Linux)."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid for child in map(int, children) for pid in (child, *descendants(child))]


class index:  # noqa: N801  (used like a function)
    """A package index on this computer, with an optional fault in its files."""

    def __init__(self, wheels: Path, fault: str = "") -> None:
        handler = functools.partial(_Handler, wheels, fault)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/simple"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """``/simple/NAME/`` lists, ``/files/NAME`` serves."""

    def __init__(self, wheels: Path, fault: str, *arguments: object) -> None:
        self.wheels, self.fault = wheels, fault
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        name = self.path.rstrip("/").rsplit("/", 1)[1]
        if self.path.startswith("/files/"):
            self._file((self.wheels / name).read_bytes())
            return
        found = sorted(path.name for path in self.wheels.glob(f"{name}-*.whl"))
        page = "".join(f'<a href="/files/{wheel}">{wheel}</a>' for wheel in found).encode()
        self._answer(200 if found else 404, page, "text/html")

    def _file(self, data: bytes) -> None:
        if self.fault == "error":
            self._answer(500, b"", "text/plain")
        elif self.fault == "other":
            self._answer(200, bytes(len(data)), "application/octet-stream")
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if self.fault == "cut" else data)

    def _answer(self, code: int, data: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silence."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Force failures of a setup and look what is left.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--uv", type=Path, help="a real uv")
    parser.add_argument("--pip", action="store_true", help="use pip; with the network's failures")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
        return
    chance = random.Random(options.seed)
    base = house.this_base()
    failures: tuple[Failure, ...] = WITH_NETWORK + WITHOUT_NETWORK if options.pip else WITHOUT_NETWORK
    seen: dict[str, int] = {}
    for number in range(options.count):
        failure = failures[number % len(failures)]
        with tempfile.TemporaryDirectory() as place:
            world = World(Path(place), base)
            if not options.pip:
                world.uv = options.uv or world.things["uv"]
            began = time.monotonic()
            if number == 0:
                assert world.run().ok
                usual_s = time.monotonic() - began
                shutil.rmtree(world.folder.parent)
            update = chance.random() < 0.5
            ended = check(world, failure, chance, usual_s, update=update)
            name = failure.__name__ + (" during an update" if update else "")
            seen[name] = seen.get(name, 0) + 1
            said = "" if ended is None else ended.message
            print(f"{number + 1:3} {name}: {said} ({time.monotonic() - began:.1f} s)", flush=True)
    print(json.dumps(seen, indent=1))
    print(f"{options.count} forced failures, each followed by a setup that succeeded and left nothing behind")


if __name__ == "__main__":
    main()
