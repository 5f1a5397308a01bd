"""What all tests share."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

try:
    from hypothesis import settings
except ModuleNotFoundError:  # Blender's environments carry pytest only
    pass
else:
    settings.register_profile("repository", deadline=None, database=None)
    settings.load_profile("repository")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-made certificate for this computer and its key, as PEM files."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the command openssl")
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "certificate.pem", folder / "key.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=studio"
    names = "subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [openssl, *words.split(), "-addext", names, "-out", str(paths[0]), "-keyout", str(paths[1])],
        check=True,
        capture_output=True,
    )
    paths[1].chmod(0o600)
    return paths
