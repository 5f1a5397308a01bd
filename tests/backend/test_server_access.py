"""Tokens, certificates, and what is refused before anybody is let in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.errors import BadRequest
from backend.protocol import TOKEN_VARIABLE
from backend.server.access import check_access, take_tokens

TOKEN = "correct-horse-battery-staple-0123456789"
OTHER = "another-horse-another-staple-0123456789"


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::"])
def test_other_computers_must_be_let_in_explicitly(host: str) -> None:
    with pytest.raises(BadRequest, match="other computers"):
        check_access((TOKEN,), host, False, None, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_other_computers_need_token_and_certificate(host: str, certificate: tuple[Path, Path]) -> None:
    check_access((TOKEN,), host, True, *certificate)
    with pytest.raises(BadRequest, match="token"):
        check_access((), host, True, *certificate)
    for certificate_only in ((certificate[0], None), (None, certificate[1]), (None, None)):
        with pytest.raises(BadRequest, match="over TLS"):
            check_access((TOKEN,), host, True, *certificate_only)


def test_this_computer_needs_a_token_only() -> None:
    check_access((TOKEN,), "127.0.0.1", False, None, None)
    with pytest.raises(BadRequest, match="no token"):
        check_access((), "127.0.0.1", False, None, None)


def test_files_that_are_no_certificate(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    nonsense = private(tmp_path / "nonsense.pem", "nonsense")
    with pytest.raises(BadRequest, match="belong together"):
        check_access((TOKEN,), "0.0.0.0", True, nonsense, certificate[1])
    with pytest.raises(BadRequest, match="could not be read"):
        check_access((TOKEN,), "0.0.0.0", True, certificate[0], tmp_path / "none")
    with pytest.raises(BadRequest, match="could not be read"):
        check_access((TOKEN,), "0.0.0.0", True, tmp_path / "none", certificate[1])


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_key_must_be_private(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    shared = private(tmp_path / "key.pem", certificate[1].read_text())
    shared.chmod(0o640)
    with pytest.raises(BadRequest, match="Others can read the key"):
        check_access((TOKEN,), "0.0.0.0", True, certificate[0], shared)


def test_the_token_leaves_the_environment(monkeypatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert take_tokens() == (TOKEN,)
    assert TOKEN_VARIABLE not in os.environ
    assert take_tokens() == ()


def test_a_file_has_one_token_for_each_artist(tmp_path: Path) -> None:
    file = private(tmp_path / "tokens", f"# studio\n{TOKEN} Ann\n\n{OTHER}\n")
    assert take_tokens(file) == (TOKEN, OTHER)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_token_file_must_be_private_and_its_tokens_long(tmp_path: Path) -> None:
    file = private(tmp_path / "token", TOKEN + "\n")
    assert take_tokens(file) == (TOKEN,)
    file.chmod(0o644)
    with pytest.raises(BadRequest, match="Others can read"):
        take_tokens(file)
    with pytest.raises(BadRequest, match="too short"):
        take_tokens(private(tmp_path / "short", f"{TOKEN}\nshort\n"))
    with pytest.raises(BadRequest, match="could not be read"):
        take_tokens(tmp_path / "none")
