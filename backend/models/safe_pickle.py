"""Reads arrays out of a pickle without running anything that the pickle asks for.

Pickles can name any function and have it called. Here every name is looked up in one small table
whose entries only keep what they are given; a pickle that asks for anything else is refused. Arrays
are made afterwards, from bytes and a number type, so that not even numpy's own unpickling runs.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .raw import unusable

MAX_BYTES = 2**31
MAX_CELLS = 10**8
"""Of a sparse matrix; FLAME's has 25,000."""
NUMBERS = "biuf"
"""Kinds of numpy types that are plain numbers."""
DAMAGE = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    OverflowError, MemoryError, RecursionError, UnicodeError,
)  # fmt: skip
"""What Python's unpickler raises on bytes that are no sound pickle."""
GET_AGAIN = "Get the file again from its authors; do not use a copy from elsewhere."


class _Kept:
    """Stands for any object: keeps how it was made, and its state."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(_Kept):
    pass


class _NumberType(_Kept):
    pass


class _Sparse(_Kept):
    pass


class _Chumpy(_Kept):
    pass


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    """What ``_codecs.encode`` does in pickles of bytes."""
    return text.encode("latin1")


def _scalar(kind: _NumberType, data: bytes | str = b"") -> Any:
    return _numbers(kind, data)[0].item()


ALLOWED: dict[tuple[str, str], Any] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    ("numpy", "ndarray"): _Kept,
    ("numpy", "dtype"): _NumberType,
    ("copy_reg", "_reconstructor"): lambda kind, *_: kind(),
    ("copyreg", "_reconstructor"): lambda kind, *_: kind(),
    ("__builtin__", "object"): _Kept,
    ("builtins", "object"): _Kept,
    ("__builtin__", "set"): set,
    ("builtins", "set"): set,
    ("_codecs", "encode"): _encoded,
    ("collections", "OrderedDict"): dict,
    ("chumpy.ch", "Ch"): _Chumpy,
    **{
        (f"scipy.sparse.{module}", f"{kind}_matrix"): _Sparse
        for kind in ("csc", "csr")
        for module in (kind, f"_{kind}")
    },
}


class _Reader(pickle._Unpickler):
    """Python's unpickler with our table in place of the import system.

    The one written in Python: that in C reserves memory for whatever memo number a damaged file names.
    """

    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None


class _Refused(Exception):
    """The pickle asks for something that no model needs."""


def read_pickle(path: Path) -> dict[str, Any]:
    """The arrays, numbers and words of a pickled dictionary, by name.

    Anything that is neither is left out. Raises ModelUnusable if the file is no sound pickle, or asks for
    anything but arrays.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise unusable(path, "is far larger than any model", GET_AGAIN)
        data = path.read_bytes()
    except OSError as error:
        raise unusable(
            path, f"cannot be opened ({error.strerror})", "Look whether the file is there."
        ) from error
    return unpickled(data, path)


def read_npy_dictionary(path: Path) -> dict[str, Any]:
    """A dictionary that ``numpy.save`` wrote as an array of one object; raises as :func:`read_pickle`."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            read_header(file)
            rest = file.read()
    except (OSError, ValueError, KeyError) as error:
        raise unusable(path, "is damaged", GET_AGAIN) from error
    return unpickled(rest, path)


def unpickled(data: bytes, path: Path) -> dict[str, Any]:
    """:func:`read_pickle` for bytes; ``path`` names them in errors."""
    try:
        # Python 2 wrote these files: its byte strings come back as text of the same numbers.
        content = _Reader(io.BytesIO(data), encoding="latin1").load()
        content = _plain(content)
        if isinstance(content, np.ndarray) and content.size == 1:
            content = content.reshape(-1)[0]
    except _Refused as refused:
        raise unusable(
            path, f"asks to run {refused}, which no morphable model needs; it was not run", GET_AGAIN
        ) from refused
    except DAMAGE as error:
        raise unusable(path, "is damaged or no model", GET_AGAIN) from error
    if not isinstance(content, dict):
        raise unusable(path, "holds no named arrays", GET_AGAIN)
    return {str(name): value for name, value in content.items() if value is not None}


def _plain(value: Any) -> Any:
    """What was kept, as arrays, numbers, words, lists and dictionaries; None for the rest."""
    if isinstance(value, _Array):
        return _array(value)
    if isinstance(value, _Sparse):
        return _dense(value)
    if isinstance(value, _Chumpy):
        return _plain((value.state or {}).get("x"))
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items() if isinstance(key, str | int)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | bytes | int | float | bool) else None


def _array(kept: _Array) -> NDArray | list:
    """State of an array: version, shape, number type, column order, bytes (or a list of objects)."""
    _, shape, kind, columns_first, data = kept.state
    if isinstance(data, list):
        items = np.empty(len(data), object)
        items[:] = [_plain(item) for item in data]
        return items.reshape(shape)
    return _numbers(kind, data).reshape(shape, order="F" if columns_first else "C")


def _numbers(kind: _NumberType, data: bytes | str) -> NDArray:
    """(M,) numbers of a type such as ``f8`` in its stored byte order."""
    order = kind.state[1] if kind.state else "|"
    plain = np.dtype(f"{'' if order in '|=' else order}{kind.arguments[0]}")
    if plain.kind not in NUMBERS:
        raise ValueError(f"numbers of kind {plain}")
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, plain)


def _dense(kept: _Sparse) -> NDArray:
    """A sparse matrix in compressed columns or rows, filled out (a model's are small).

    Not by SciPy, which trusts its indices and writes out of bounds where they are wrong.
    """
    state = {name: _plain(value) for name, value in kept.state.items()}
    rows, columns = (int(size) for size in state.get("_shape") or state["shape"])
    data, inner, starts = (np.asarray(state[name]).reshape(-1) for name in ("data", "indices", "indptr"))
    sound = rows > 0 and columns > 0 and rows * columns <= MAX_CELLS
    if not sound or (np.diff(starts) < 0).any() or not starts[-1] - starts[0] == len(inner) == len(data):
        raise ValueError("a sparse matrix that contradicts itself")
    outer = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    by_columns = len(starts) == columns + 1
    result = np.zeros((rows, columns))
    result[(inner, outer) if by_columns else (outer, inner)] = data
    return result
