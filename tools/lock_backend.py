"""Write the lock files of the backend's environment: ``backend/setup/locks``.

    python tools/lock_backend.py [--uv PATH]        # pip install uv

uv resolves the dependencies of ``pyproject.toml`` for all supported systems and Pythons at once. Only wheels
are locked: an artist's computer never compiles anything and runs no code of a package before it is checked.

What lies on PyTorch's own index (builds without CUDA for Linux, with CUDA for Windows, with ROCm) is not
asked for here, because that index cannot be reached from everywhere. Its hashes stand in ``TORCH_WHEELS``
below with their origin, and each lock says in its first lines what was checked.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "backend" / "setup" / "locks"

TORCH = "2.13.0"
"""The newest release that has been tried, see docs/developer.md."""
PYTHONS = ("311", "312", "313", "314")
"""3.11 is Blender 4.2 to 5.0, 3.13 is 5.1 and 5.2, 3.14 is a Blender that uses the system's Python."""

SYSTEMS = {
    "linux-x86_64": re.compile(r"manylinux\w*x86_64"),
    "macos-arm64": re.compile(r"macosx_\d+_\d+_(arm64|universal2)"),
    "windows-x86_64": re.compile(r"win_amd64"),
}
"""Where MediaPipe and PyTorch both have wheels, and how those are named."""

TORCH_INDEX = "https://download.pytorch.org/whl"

WITH_TORCH = re.compile(r"^(torch|triton|nvidia-.*|cuda-.*)$")
"""What comes with PyTorch's CUDA build only, and goes into a lock of its own."""

TORCH_WHEELS: dict[str, tuple[str, dict[str, str], int, str]] = {
    # file: (version, {Python: sha256}, bytes of one wheel, what was checked)
    "torch-linux-cpu.txt": (
        f"{TORCH}+cpu",
        {
            "311": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
            "312": "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",
            "313": "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",
            "314": "d20fa53ee744502fa4c69818a720b05ca0d37abd055d4f6e66cae155114bc691",
        },
        191_822_516,
        "3.11: compared with the file itself and installed. 3.12 to 3.14: the hash that several public lock\n"
        "# files agree on; not downloaded by us.",
    ),
    "torch-windows-cuda.txt": (
        f"{TORCH}+cu130",
        {
            "312": "2efab1e83604ca628c6d85b9e188c153690980498d1297081a9dad704919303c",
            "313": "cf23236e9deed7d3510d14d9b9592d75d272ef7b35bbfee31a02bea339c73971",
            "314": "590b2a2b53ef295dcfcd703df17929bd579705bb0e42d9e43c462fe0f0b1e088",
        },
        1_915_519_202,
        "The hashes are those of one public lock file each; not downloaded or run by us.",
    ),
    "torch-windows-cuda-py311.txt": (
        f"{TORCH}+cu130",
        {},
        1_915_519_202,
        "No hash is known to us: pinned by version and fetched over TLS only. Not downloaded or run by us.",
    ),
    "torch-linux-rocm.txt": (
        f"{TORCH}+rocm7.2",
        {},
        6_227_849_000,
        "No hash is known to us: pinned by version and fetched over TLS only. Not downloaded or run by us;\n"
        "# its triton-rocm is left out, because Likeness compiles nothing.",
    ),
}

HEADER = """\
# {title}
# Written by tools/lock_backend.py; do not edit.
# {checked}
"""


def resolve(uv: str) -> list[dict[str, Any]]:
    """All packages of the environment, as pylock's tables (PEP 751)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [line for line in project["dependencies"] if not line.startswith("torch")]
    with tempfile.TemporaryDirectory() as folder:
        source, lock = Path(folder) / "requirements.in", Path(folder) / "pylock.toml"
        source.write_text("\n".join([*wanted, f"torch=={TORCH}"]), encoding="utf-8")
        command = [uv, "pip", "compile", str(source), "-o", str(lock), "--universal", "--quiet"]
        command += ["--python-version", "3.11", "--format", "pylock.toml"]
        subprocess.run(command, check=True)
        return tomllib.loads(lock.read_text(encoding="utf-8"))["packages"]


def resolve_pip(uv: str) -> list[dict[str, Any]]:
    """The pip that installs, where uv is not there."""
    with tempfile.TemporaryDirectory() as folder:
        source, lock = Path(folder) / "requirements.in", Path(folder) / "pylock.toml"
        source.write_text("pip>=26", encoding="utf-8")
        command = [uv, "pip", "compile", str(source), "-o", str(lock), "--quiet"]
        command += ["--python-version", "3.11", "--format", "pylock.toml"]
        subprocess.run(command, check=True)
        return tomllib.loads(lock.read_text(encoding="utf-8"))["packages"]


def usable(package: dict[str, Any], system: str | None = None) -> list[dict[str, Any]]:
    """The package's wheels for a supported Python on ``system``, or on any supported system."""
    systems = SYSTEMS.values() if system is None else [SYSTEMS[system]]
    found = []
    for wheel in package.get("wheels", []):
        python, abi, platform = wheel["url"].rsplit("/", 1)[1].removesuffix(".whl").split("-")[-3:]
        # abi3 wheels are named after the oldest Python they run on.
        of_python = abi in ("abi3", "none") or (python == abi and python.removeprefix("cp") in PYTHONS)
        of_system = platform == "any" or any(pattern.search(platform) for pattern in systems)
        if of_python and of_system:
            found.append(wheel)
    return found


def download_bytes(packages: Iterable[dict[str, Any]], system: str) -> int:
    """What an installation on ``system`` downloads: the largest wheel of each package."""
    word = {"linux-x86_64": "linux", "macos-arm64": "darwin", "windows-x86_64": "win32"}[system]
    total: dict[str, int] = {}
    for package in packages:
        platforms = re.findall(r"sys_platform == '(\w+)'", package.get("marker", ""))
        sizes = [int(wheel["size"]) for wheel in usable(package, system)]
        if sizes and (not platforms or word in platforms):
            total[package["name"]] = max([*sizes, total.get(package["name"], 0)])
    return sum(total.values())


def requirement(package: dict[str, Any]) -> str:
    """A pinned requirement with the hashes of its usable wheels."""
    wheels = usable(package)
    assert wheels, f"{package['name']} has no wheel for us"
    marker = (
        package.get("marker", "").replace("python_full_version >= '3.11'", "").removeprefix(" and ").strip()
    )
    line = f"{package['name']}=={package['version']}" + (f" ; {marker}" if marker else "")
    return " \\\n".join([line, *(f"    --hash=sha256:{wheel['hashes']['sha256']}" for wheel in wheels)])


def write(name: str, title: str, checked: str, packages: list[dict[str, Any]]) -> None:
    """One lock file from PyPI's packages."""
    lines = [HEADER.format(title=title, checked=checked).rstrip()]
    for system in SYSTEMS:
        lines.append(f"# download-bytes {system}: {download_bytes(packages, system)}")
    lines += ["--only-binary :all:", "", *map(requirement, packages)]
    (LOCKS / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_torch(name: str) -> None:
    """One lock file from PyTorch's index."""
    version, hashes, size, checked = TORCH_WHEELS[name]
    system = "linux-x86_64" if "linux" in name else "windows-x86_64"
    title = f"PyTorch {version} for {system}, from PyTorch's own index."
    lines = [HEADER.format(title=title, checked=checked).rstrip(), f"# download-bytes {system}: {size}"]
    lines += [f"--index-url {TORCH_INDEX}/{version.partition('+')[2]}", "--only-binary :all:", ""]
    lines.append(
        " \\\n".join([f"torch=={version}", *(f"    --hash=sha256:{digest}" for digest in hashes.values())])
    )
    (LOCKS / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the lock files of the backend's environment.")
    parser.add_argument("--uv", default="uv", help="the program uv (default: the one on the path)")
    uv = parser.parse_args().uv
    packages = resolve(uv)
    LOCKS.mkdir(parents=True, exist_ok=True)
    resolved = "Resolved by uv on PyPI, which these hashes come from."
    rest = [package for package in packages if not WITH_TORCH.match(package["name"])]
    torch = [package for package in packages if WITH_TORCH.match(package["name"])]
    write("common.txt", "What the backend needs on every computer, besides PyTorch.", resolved, rest)
    write(
        "torch.txt",
        f"PyTorch {TORCH} from PyPI: for Apple's GPUs, for Windows without, for Linux with CUDA 13.",
        resolved,
        torch,
    )
    write("pip.txt", "The pip that installs, where uv is not there.", resolved, resolve_pip(uv))
    for name in TORCH_WHEELS:
        write_torch(name)
    for path in sorted(LOCKS.glob("*.txt")):
        print(path.relative_to(ROOT), path.stat().st_size)


if __name__ == "__main__":
    main()
