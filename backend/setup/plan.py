"""What to install on this computer: which locks, with which Python and tool, from where, how large."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import SetupFailed
from . import interpreters
from .interpreters import VERSIONS, Base
from .machine import Device, Machine
from .state import LOCKS, digest

TORCH_LOCKS = {
    ("linux-x86_64", Device.CPU): "torch-linux-cpu.txt",
    ("linux-x86_64", Device.CUDA): "torch.txt",
    ("linux-x86_64", Device.ROCM): "torch-linux-rocm.txt",
    ("macos-arm64", Device.CPU): "torch.txt",
    ("macos-arm64", Device.MPS): "torch.txt",
    ("windows-x86_64", Device.CPU): "torch.txt",
    ("windows-x86_64", Device.CUDA): "torch-windows-cuda.txt",
}
"""PyTorch's builds. The one on PyPI has CUDA on Linux, Metal on macOS and neither on Windows."""

UNHASHED = {("torch-windows-cuda.txt", "3.11"): "torch-windows-cuda-py311.txt"}
"""Builds whose hash is not known to us for some Python: they stand in locks of their own."""

INSTALLED_FACTOR = 3.4
"""Bytes of an environment for each byte of its wheels: 3.3 was measured on Linux without CUDA."""

SPACE_FACTOR = 1.1
"""File systems round up."""

SIZE_LINE = re.compile(r"^# download-bytes (\S+): (\d+)$", re.MULTILINE)
TORCH_WHEEL = re.compile(r"torch-[^-]+-cp3(\d+)-")


@dataclass(frozen=True)
class Plan:
    """Everything that decides what an environment becomes, and where it goes."""

    folder: Path
    """Where :mod:`.state` looks."""
    source_root: Path
    """Holds the package ``backend``, whose doctor tries the environment out."""
    device: Device
    base: Base
    locks: tuple[Path, ...]
    download_bytes: int
    wheels: Path | None = None
    """Folder of wheels to install from; None for the network."""
    uv: Path | None = None
    """The program uv; None for pip."""

    @property
    def install_bytes(self) -> int:
        """Size of the finished environment, roughly."""
        return int(self.download_bytes * INSTALLED_FACTOR)

    @property
    def space_bytes(self) -> int:
        """What has to be free on the disk."""
        downloads = 0 if self.wheels is not None else self.download_bytes
        return int((self.install_bytes + downloads) * SPACE_FACTOR)

    @property
    def fingerprint(self) -> str:
        """Changes with whatever makes an unfinished environment useless for this plan."""
        parts = [str(self.base.path), self.base.version, str(self.uv), str(self.wheels)]
        parts += [f"{lock.name} {digest(lock)}" for lock in self.locks]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]

    @property
    def unhashed(self) -> tuple[str, ...]:
        """Locks that pin a version but no content."""
        return tuple(lock.name for lock in self.locks if not is_hashed(lock))


def make_plan(
    folder: Path,
    source_root: Path,
    machine: Machine,
    *,
    device: Device | None = None,
    wheels: Path | None = None,
    python: Path | None = None,
    locks: Path = LOCKS,
) -> Plan:
    """The plan for ``machine``; ``device``, ``wheels`` (a folder) and ``python`` override its own choice.

    SetupFailed if there is no build for the machine, or no Python that could carry it.
    """
    device = device or machine.device
    torch = TORCH_LOCKS.get((machine.system, device))
    if torch is None:
        raise SetupFailed(
            f"There is no PyTorch with MediaPipe for {machine.system} and {device.value}.",
            "Choose another device, or use a backend on another computer (Preferences > Add-ons > Likeness).",
        )
    uv = shutil.which("uv")
    base = _choose_python(wheels, python, needs_pip=uv is None)
    torch = UNHASHED.get((torch, base.version), torch)
    files = (locks / "common.txt", locks / torch)
    return Plan(
        folder=folder,
        source_root=source_root,
        device=device,
        base=base,
        locks=files,
        download_bytes=sum(download_bytes(lock, machine.system) for lock in files),
        wheels=wheels,
        uv=Path(uv) if uv else None,
    )


def _choose_python(wheels: Path | None, python: Path | None, *, needs_pip: bool) -> Base:
    """The Python that the environment is made from: the one asked for, else this one, else any that fits."""
    versions = VERSIONS if wheels is None else versions_of(wheels)
    if python is None:
        base = interpreters.find(versions, needs_pip=needs_pip)
    else:
        base = interpreters.probe(python)
        if base is not None and (base.version not in versions or (needs_pip and not base.pip)):
            base = None
    if base is not None:
        return base
    where = "" if wheels is None else f" (the wheels in {wheels} are for no other)"
    raise SetupFailed(
        f"No Python {' or '.join(sorted(versions))} with venv and pip was found on this computer{where}.",
        "Install one, for example from python.org; on Debian and Ubuntu python3-venv. "
        "With uv installed, any Blender's own Python will do.",
    )


def versions_of(wheels: Path) -> tuple[str, ...]:
    """The Pythons for which a folder has PyTorch; SetupFailed if it has none."""
    try:
        found = {f"3.{match[1]}" for path in wheels.iterdir() if (match := TORCH_WHEEL.match(path.name))}
    except OSError as error:
        raise SetupFailed(f"The folder {wheels} cannot be read.", "Choose a folder of wheels.") from error
    if not found & set(VERSIONS):
        raise SetupFailed(
            f"The folder {wheels} has no wheel of PyTorch for a Python that Likeness runs on.",
            "`likeness setup --collect` on a computer of the same kind makes such a folder.",
        )
    return tuple(version for version in VERSIONS if version in found)


def is_hashed(lock: Path) -> bool:
    """Whether a lock pins the content of its files."""
    return "--hash=" in lock.read_text(encoding="utf-8")


def download_bytes(lock: Path, system: str) -> int:
    """What a lock downloads on ``system``, as its first lines say; 0 if they do not."""
    sizes = dict(SIZE_LINE.findall(lock.read_text(encoding="utf-8")))
    return int(sizes.get(system, 0))
