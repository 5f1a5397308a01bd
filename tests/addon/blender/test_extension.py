"""The zip as an artist gets it: built, validated, installed into a fresh Blender, used and disabled."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def manifest():
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tool():
    """``tools/build_extension.py``."""
    spec = importlib.util.spec_from_file_location("build_extension", ROOT / "tools" / "build_extension.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def package(tool, tmp_path_factory):
    """The zip; building it includes Blender's own validation."""
    return tool.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def report(package, interpreter, tmp_path_factory):
    """What tests/addon/blender/from_zip.py saw."""
    folder = tmp_path_factory.mktemp("from zip")
    photo = folder / "Zoë.jpg"
    photo.write_bytes(b"a photo")
    target = folder / "report.json"
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "blender")}
    (folder / "blender").mkdir()
    script = Path(__file__).with_name("from_zip.py")
    result = subprocess.run(
        [sys.executable, str(script), str(package), str(interpreter), str(photo), str(target)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert target.is_file(), result.stdout + result.stderr
    return json.loads(target.read_text())


def test_only_what_runs_is_packed(package):
    with zipfile.ZipFile(package) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    tops = {name.split("/")[0] for name in names}
    assert {"__init__.py", "blender_manifest.toml", "addon", "backend"} <= tops
    assert tops <= {"__init__.py", "blender_manifest.toml", "addon", "backend", "LICENSE", "CHANGELOG.md"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert any(name.startswith("backend/assets/") for name in names)
    assert "backend/setup/locks/common.txt" in names


def test_the_zip_has_the_licence_and_a_card_beside_each_asset(package):
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
    assert "LICENSE" in names
    assets = [name for name in names if re.fullmatch(r"backend/assets/[^/]+\.(?!md$)\w+", name)]
    assert assets
    for asset in assets:
        stem = asset.rpartition(".")[0]
        assert {f"{stem}.card.md", f"{stem}.LICENSE.md"} & names, asset


def test_the_repository_offers_the_zip(tool, package, manifest):
    folder = tool.make_repository(package)
    (offered,) = json.loads((folder / "index.json").read_text())["data"]
    zipped = (folder / package.name).read_bytes()
    assert (offered["id"], offered["version"]) == (manifest["id"], manifest["version"])
    assert offered["archive_hash"] == f"sha256:{hashlib.sha256(zipped).hexdigest()}"
    assert offered["permissions"] == manifest["permissions"]
    assert Path(offered["archive_url"]).name == package.name
    assert (folder / "index.html").is_file()


def test_the_manifest_says_what_the_validator_does_not_check(manifest):
    backend = importlib.util.spec_from_file_location("version", ROOT / "backend" / "__init__.py")
    assert backend is not None and backend.loader is not None
    module = importlib.util.module_from_spec(backend)
    backend.loader.exec_module(module)
    assert manifest["version"] == module.__version__
    assert all(licence.startswith("SPDX:") for licence in manifest["license"])
    assert "blender" not in manifest["name"].lower()


def test_the_zip_installs_and_imports_a_photo(report):
    assert {"__init__.py", "addon", "backend", "blender_manifest.toml"} <= set(report["installed"])
    assert {"Face", "Head", "Photo Camera", "Hair and Ears"} <= set(report["first"])


def test_no_policy_of_blender_is_violated(report):
    assert report["warnings"] == {}


def test_disabling_leaves_nothing_and_enabling_works_again(report):
    assert "LIKENESS_OT_import_photo" in report["classes"]
    assert report["left_after_disable"] == []
    assert report["backend_ended"]
    assert len(report["second"]) == len(report["first"])
