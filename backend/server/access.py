"""What must be right before anybody is let in: tokens, and for other computers a certificate."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path

from ..errors import BadRequest
from ..protocol import TOKEN_VARIABLE
from .security import MIN_TOKEN_LENGTH

LOOPBACK = "127.0.0.1"
LOOPBACK_HOSTS = (LOOPBACK, "localhost", "::1")


def take_tokens(token_file: Path | None = None) -> tuple[str, ...]:
    """The token that the parent hands over, removed from the environment; or those in a file, one a line.

    What follows a token after a space says whose it is. Empty lines and lines that begin with # are
    left out. Empty if there is none.

    BadRequest if one is too short, or if the file cannot be read or can be read by other users.
    """
    handed_over = os.environ.pop(TOKEN_VARIABLE, None)
    lines = _private_text(token_file).splitlines() if token_file is not None else [handed_over or ""]
    tokens = tuple(line.split()[0] for line in lines if line.strip() and not line.startswith("#"))
    if any(len(token) < MIN_TOKEN_LENGTH for token in tokens):
        raise BadRequest(
            "The token is too short.", f"Use at least {MIN_TOKEN_LENGTH} characters that nobody can guess."
        )
    return tokens


def check_access(
    tokens: tuple[str, ...], host: str, allow_remote: bool, certificate: Path | None, key: Path | None
) -> None:
    """BadRequest unless it is safe to listen like this.

    A server always has a token. One that other computers may ask has a certificate as well:
    photographs and the token would otherwise travel in plain sight.
    """
    if not tokens:
        raise BadRequest(
            "The server has no token.", f"Set {TOKEN_VARIABLE}, or name a file with --token-file."
        )
    if host not in LOOPBACK_HOSTS and not allow_remote:
        raise BadRequest(
            f"Listening on {host} would let other computers in.",
            f"Use {LOOPBACK}, or add --allow-remote if you mean it.",
        )
    if allow_remote and (certificate is None or key is None):
        raise BadRequest(
            "Other computers may only be let in over TLS.",
            "Name a certificate and its key with --certificate and --key.",
        )
    if certificate is not None and key is not None:
        _check_certificate(certificate, key)


def _check_certificate(certificate: Path, key: Path) -> None:
    """Whether both can be read and belong together; found out now and not with the first artist."""
    _refuse_if_shared(key, "key")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise BadRequest(
            f"{certificate.name} and {key.name} are no certificate and key that belong together.",
            "Use PEM files: the certificate with its chain, and the key without a password.",
        ) from error
    except OSError as error:
        raise BadRequest(
            f"The certificate could not be read ({error.strerror}).", "Check the names of both files."
        ) from error


def _private_text(file: Path) -> str:
    _refuse_if_shared(file, "token")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadRequest(f"The token in {file.name} could not be read.", "Check the file.") from error


def _refuse_if_shared(file: Path, what: str) -> None:
    """BadRequest if other users can read a file that should be a secret, or if there is none."""
    try:
        shared = os.name == "posix" and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError as error:
        raise BadRequest(
            f"The {what} in {file.name} could not be read ({error.strerror}).", "Check the file's name."
        ) from error
    if shared:
        raise BadRequest(f"Others can read the {what} in {file.name}.", f"Run: chmod 600 {file.name}")
