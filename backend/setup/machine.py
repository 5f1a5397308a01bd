"""What this computer has that decides which PyTorch it gets; nothing is imported to find out."""

from __future__ import annotations

import enum
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CUDA_DRIVER = 580
"""First NVIDIA driver that runs CUDA 13, for which PyTorch 2.13 on PyPI is built (CUDA's release notes)."""

CUDA_CAPABILITY = 7.5
"""CUDA 13 no longer knows GPUs before Turing (CUDA's release notes)."""

ASK_S = 15.0
"""A sleeping GPU takes seconds to answer."""


class Device(enum.StrEnum):
    """What the networks run on."""

    CPU = "cpu"
    CUDA = "cuda"
    ROCM = "rocm"
    MPS = "mps"


@dataclass(frozen=True)
class Machine:
    """A computer and the device that suits it."""

    system: str
    """Like ``linux-x86_64``, ``macos-arm64``, ``windows-x86_64``."""
    device: Device
    reason: str
    """Why this device, in words for the artist."""


def look() -> Machine:
    """This computer."""
    system = system_name(sys.platform, platform.machine())
    if system == "macos-arm64":
        return Machine(system, Device.MPS, "Apple's GPU")
    if sys.platform in ("linux", "win32"):
        answer = _ask_nvidia()
        if answer:
            return Machine(system, *judge_nvidia(answer))
    if Path("/dev/kfd").exists():
        words = (
            "An AMD GPU is there; builds with ROCm have not been tried, so they are only used when asked for"
        )
        return Machine(system, Device.CPU, words)
    return Machine(system, Device.CPU, "No GPU that PyTorch could use was found")


def system_name(system: str, processor: str) -> str:
    """The name under which the locks know a computer."""
    name = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(system, system)
    same = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
    return f"{name}-{same.get(processor.lower(), processor.lower())}"


def judge_nvidia(answer: str) -> tuple[Device, str]:
    """The device for lines of ``name, driver, compute capability``; the best GPU counts."""
    words = "The NVIDIA driver gave no answer that Likeness understands"
    for line in answer.splitlines():
        try:
            name, driver, capability = (part.strip() for part in line.rsplit(",", 2))
            old_driver = int(driver.split(".")[0]) < CUDA_DRIVER
            old_gpu = float(capability) < CUDA_CAPABILITY
        except ValueError:
            continue
        if not old_driver and not old_gpu:
            return Device.CUDA, f"{name}, driver {driver}"
        words = f"{name} is older than CUDA 13 supports"
        if not old_gpu:
            words = f"{name} has driver {driver}; with {CUDA_DRIVER} or newer Likeness could use it"
    return Device.CPU, words


def _ask_nvidia() -> str:
    """What NVIDIA's tool says of the GPUs; empty if there is none."""
    system32 = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvidia-smi.exe"
    tool = shutil.which("nvidia-smi") or (str(system32) if system32.is_file() else None)
    if tool is None:
        return ""
    query = [tool, "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
