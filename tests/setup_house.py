"""A small world to set up in: three tiny wheels, their locks, a backend whose doctor imports them, and a uv.

The fake uv does with the standard library what the real one does with an environment (make it, check
hashes, unpack), which is quick enough for many failures. ``tools/setup_failures.py`` does the same with pip.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import sys
import zipfile
from pathlib import Path

from backend.setup.interpreters import Base, probe
from backend.setup.machine import Device
from backend.setup.plan import Plan

NAMES = ("alpha", "beta", "gamma")
GAMMA_BYTES = 300_000
"""One wheel is large enough to be caught half-way."""

DOCTOR = """
import json, sys
names = {names!r}
findings = []
for name in names:
    try:
        ok = __import__(name).WORD == "whole"
    except ImportError:
        ok = False
    findings.append(dict(name=name, ok=ok, detail="here" if ok else "missing", remedy="Set up", needed=True))
print("a library chatters", file=sys.stderr)
print(json.dumps(dict(ok=True, findings=findings)))
"""

FAKE_UV = """#!{python}
import hashlib, os, pathlib, re, subprocess, sys, time, zipfile
arguments = sys.argv[1:]
def after(flag):
    return arguments[arguments.index(flag) + 1]
if arguments[0] == "venv":
    sys.exit(subprocess.run([after("--python"), "-m", "venv", "--without-pip", arguments[-1]]).returncode)
environment = pathlib.Path(after("--python")).parent.parent
site = next(environment.glob("lib/python*/site-packages"))
requirement = re.compile(r"^(\\w+)==(\\S+)((?:[ \\\\\\n]+--hash=sha256:\\w+)*)", re.MULTILINE)
for name, version, hashes in requirement.findall(pathlib.Path(after("-r")).read_text()):
    found = list(pathlib.Path(after("--find-links")).glob(f"{{name}}-{{version}}-*.whl"))
    if not found:
        sys.exit(f"No solution found: {{name}} was not found")
    data = found[0].read_bytes()
    if hashlib.sha256(data).hexdigest() not in hashes:
        sys.exit("Hash mismatch for " + name)
    cache = pathlib.Path(os.environ["UV_CACHE_DIR"])
    cache.mkdir(parents=True, exist_ok=True)
    (cache / found[0].name).write_bytes(data)
    with zipfile.ZipFile(found[0]) as wheel:
        for member in wheel.infolist():
            target = site / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wheel.read(member))
            print("wrote", target, flush=True)
            time.sleep(float(os.environ.get("FAKE_UV_SLEEP_S", "0")))
"""


def write_wheel(folder: Path, name: str, code: str = 'WORD = "whole"\n', extra: bytes = b"") -> Path:
    """A wheel with one module, as pip wants it."""
    files = {
        f"{name}/__init__.py": code.encode(),
        f"{name}/data.bin": extra,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},\n"
        for path, data in files.items()
    )
    files[f"{name}-1.0.dist-info/RECORD"] = record.encode()
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return wheel


def write_lock(lock: Path, wheels: list[Path]) -> Path:
    """The lock of these wheels."""
    lines = ["# download-bytes linux-x86_64: 1000", "--only-binary :all:"]
    for wheel in wheels:
        name = wheel.name.split("-")[0]
        lines.append(f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("\n".join(lines) + "\n")
    return lock


def build(place: Path) -> dict[str, Path]:
    """Wheels, locks, source and a fake uv below ``place``."""
    wheels, source = place / "wheels", place / "source"
    wheels.mkdir(parents=True)
    made = [write_wheel(wheels, name) for name in NAMES[:2]]
    noise = hashlib.shake_128(b"gamma").digest(GAMMA_BYTES)
    made.append(write_wheel(wheels, NAMES[2], extra=noise))
    package = source / "backend"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(DOCTOR.format(names=NAMES))
    uv = place / "uv"
    uv.write_text(FAKE_UV.format(python=sys.executable))
    uv.chmod(0o755)
    write_lock(place / "locks" / "common.txt", made[:2])
    write_lock(place / "locks" / "torch.txt", made[2:])
    return {"wheels": wheels, "source": source, "uv": uv, "locks": place / "locks"}


@functools.cache
def this_base() -> Base:
    """The Python that runs the tests."""
    base = probe(Path(getattr(sys, "_base_executable", sys.executable)))
    assert base is not None
    return base


def plan_for(house: dict[str, Path], folder: Path, base: Base, *, uv: bool = True) -> Plan:
    """Install the tiny wheels from their folder."""
    return Plan(
        folder=folder,
        source_root=house["source"],
        device=Device.CPU,
        base=base,
        locks=(house["locks"] / "common.txt", house["locks"] / "torch.txt"),
        download_bytes=GAMMA_BYTES,
        wheels=house["wheels"],
        uv=house["uv"] if uv else None,
    )
