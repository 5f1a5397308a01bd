"""Which locks, for which computer, from where."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import SetupFailed
from backend.setup import interpreters, plan
from backend.setup.interpreters import Base
from backend.setup.machine import Device, Machine, judge_nvidia, system_name
from backend.setup.plan import LOCKS, TORCH_LOCKS, UNHASHED, Plan, download_bytes, is_hashed, make_plan

PYTHON = Base(Path(sys.executable), "3.11", Path("pip.whl"))


@pytest.fixture(autouse=True)
def one_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """This computer has Python 3.11 and no uv."""
    monkeypatch.setattr(interpreters, "probe", lambda path: replace(PYTHON, path=path))
    monkeypatch.setattr(plan.shutil, "which", lambda name: None)


def planned(tmp_path: Path, system: str, device: Device, **choices: object) -> Plan:
    return make_plan(tmp_path, tmp_path, Machine(system, device, ""), **choices)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "device", "word"),
    [
        ("NVIDIA GeForce RTX 4070, 581.42, 8.9", Device.CUDA, "4070"),
        ("NVIDIA GeForce RTX 3060, 552.22, 8.6", Device.CPU, "580"),
        ("NVIDIA GeForce GTX 1080, 581.42, 6.1", Device.CPU, "older"),
        ("GTX 1080, 590.1, 6.1\nRTX 5090, a, b, 590.1, 12.0", Device.CUDA, "5090"),
        ("No devices were found", Device.CPU, "understands"),
    ],
)
def test_the_driver_decides_about_cuda(answer: str, device: Device, word: str) -> None:
    found, words = judge_nvidia(answer)
    assert found is device
    assert word in words


def test_computers_have_one_name_each() -> None:
    assert system_name("linux", "x86_64") == "linux-x86_64"
    assert system_name("win32", "AMD64") == "windows-x86_64"
    assert system_name("darwin", "arm64") == "macos-arm64"


@pytest.mark.parametrize(("system", "device"), TORCH_LOCKS)
def test_every_build_has_a_lock_of_known_size(tmp_path: Path, system: str, device: Device) -> None:
    made = planned(tmp_path, system, device)
    for lock in made.locks:
        assert download_bytes(lock, system) > 1e6, lock.name
    assert made.space_bytes > made.install_bytes > made.download_bytes


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.txt")), ids=lambda lock: lock.name)
def test_locks_pin_everything_and_compile_nothing(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "--only-binary :all:" in text
    entries = re.findall(r"^[a-z][\w.-]*.*(?:\n {4}--hash.*)*", text, re.MULTILINE)
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==[\w.+]+", entry), entry
        assert not is_hashed(lock) or "--hash=sha256:" in entry, entry


def test_what_is_not_pinned_by_content_is_said(tmp_path: Path) -> None:
    assert planned(tmp_path, "linux-x86_64", Device.CPU).unhashed == ()
    assert planned(tmp_path, "linux-x86_64", Device.ROCM).unhashed == ("torch-linux-rocm.txt",)
    made = planned(tmp_path, "windows-x86_64", Device.CUDA)
    assert made.unhashed == (UNHASHED["torch-windows-cuda.txt", "3.11"],)


def test_a_computer_without_wheels_is_told_what_else_it_can_do(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed) as caught:
        planned(tmp_path, "linux-arm64", Device.CPU)
    assert "another computer" in caught.value.hint


def test_a_folder_of_wheels_decides_which_python(tmp_path: Path) -> None:
    (tmp_path / "torch-2.13.0+cpu-cp313-cp313-manylinux_2_28_x86_64.whl").touch()
    with pytest.raises(SetupFailed, match=r"3\.13"):
        planned(tmp_path, "linux-x86_64", Device.CPU, wheels=tmp_path)
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl").touch()
    assert planned(tmp_path, "linux-x86_64", Device.CPU, wheels=tmp_path).base.version == "3.11"


def test_a_folder_without_pytorch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="no wheel of PyTorch"):
        planned(tmp_path, "linux-x86_64", Device.CPU, wheels=tmp_path)


def test_another_plan_has_another_fingerprint(tmp_path: Path) -> None:
    made = planned(tmp_path, "linux-x86_64", Device.CPU)
    others = [
        replace(made, wheels=tmp_path),
        replace(made, base=replace(PYTHON, version="3.13")),
        replace(made, locks=made.locks[:1]),
        planned(tmp_path, "linux-x86_64", Device.CUDA),
    ]
    assert len({other.fingerprint for other in [made, *others]}) == 5


def test_this_python_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = interpreters.probe(interpreters.this_python())
    assert found is not None
    assert found.version == "{}.{}".format(*sys.version_info)
    assert interpreters.probe(Path("/no/such/python")) is None
