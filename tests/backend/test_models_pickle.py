"""Pickles are read without running what they ask for."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from backend.errors import ModelUnusable
from backend.models.registry import read_model
from backend.models.safe_pickle import read_npy_dictionary, read_pickle


class Evil:
    """Runs a command of the shell when an ordinary unpickler meets it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.marker}",)


class Evaluates:
    def __reduce__(self) -> tuple:
        return eval, ("1 + 1",)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "generic_model.pkl"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_back(file: Path, protocol: int) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "c": rng.normal(size=(3, 4)),
        "fortran": np.asfortranarray(rng.normal(size=(2, 3, 4)).astype(np.float32)),
        "big_endian": np.arange(5, dtype=">i4"),
        "unsigned": np.arange(6, dtype=np.uint32),
        "flags": np.array([True, False]),
    }
    file.write_bytes(pickle.dumps({**arrays, "word": "x", "n": 3, "number": np.float64(2.5)}, protocol))
    if protocol == 5:  # buffers beside the pickle: numpy 2 writes them through a function of its own
        with pytest.raises(ModelUnusable):
            read_pickle(file)
        return
    found = read_pickle(file)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype.kind == array.dtype.kind
    assert (found["word"], found["n"], found["number"]) == ("x", 3, 2.5)


@pytest.mark.parametrize("kind", [sp.csc_matrix, sp.csr_matrix])
def test_sparse_matrices_are_filled_out(file: Path, kind: type) -> None:
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    file.write_bytes(pickle.dumps({"J_regressor": kind(dense)}, 2))
    np.testing.assert_array_equal(read_pickle(file)["J_regressor"], dense)


def test_python_2_wrote_bytes_as_strings(file: Path) -> None:
    """Opcodes as Python 2 and numpy 1 wrote them: BINSTRING (T) instead of bytes."""
    values = np.array([[1.0, -2.5], [3.25, 1e300]])

    def string(data: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(data)) + data

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\nt" + string(b"b") + b"tR"
        b"(I1\n(I2\nI2\ntcnumpy\ndtype\n(" + string(b"f8") + b"I0\nI1\ntR"
        b"(I3\n" + string(b"<") + b"NNNI-1\nI-1\nI0\ntb" + b"I00\n" + string(values.tobytes()) + b"tb"
    )
    file.write_bytes(b"\x80\x02}" + string(b"v_template") + array + b"s.")
    np.testing.assert_array_equal(read_pickle(file)["v_template"], values)


def test_a_command_is_refused_and_not_run(file: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    words = {"v_template": np.zeros(3), "shapedirs": Evil(marker)}
    file.write_bytes(pickle.dumps(words, 2))
    with pytest.raises(ModelUnusable, match=r"(posix|nt)\.system") as caught:
        read_model(file)
    assert "not run" in caught.value.message
    assert not marker.exists()
    pickle.loads(file.read_bytes())  # it was no harmless file
    assert marker.exists()


@pytest.mark.parametrize("inside", [Evaluates(), np.dtype, Path, np.array([Evaluates()], object)])
def test_other_names_are_refused_wherever_they_stand(file: Path, inside: object) -> None:
    if inside is np.dtype:
        inside = type("T", (), {"__reduce__": lambda self: (np.load, ("x",))})()
    file.write_bytes(pickle.dumps({"a": [{"b": inside}]}, 2))
    with pytest.raises(ModelUnusable, match="asks to run"):
        read_pickle(file)


def test_an_array_of_objects_in_an_npy_is_no_way_round(tmp_path: Path) -> None:
    path = tmp_path / "flame_dynamic_embedding.npy"
    np.save(path, np.array({"lmk_face_idx": Evaluates()}, object), allow_pickle=True)
    with pytest.raises(ModelUnusable, match="asks to run"):
        read_npy_dictionary(path)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x80\x02", b"not a pickle", pickle.dumps([1, 2]), pickle.dumps({"a": np.zeros(9)})[:-20],
        b"\x80\x02cnumpy\ndtype\nN\x86b.", b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.",
        b"\x80\x02}X\x01\x00\x00\x00acnumpy.core.multiarray\n_reconstruct\n)RNbs.",
    ],
)  # fmt: skip
def test_damaged_bytes(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with pytest.raises(ModelUnusable, match=r"generic_model\.pkl") as caught:
        read_pickle(file)
    assert caught.value.hint


def test_any_single_wrong_byte_is_either_harmless_or_refused(file: Path) -> None:
    sound = pickle.dumps({"a": np.arange(4.0), "b": sp.csc_matrix(np.eye(2))}, 2)
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(sound), 300):
        data = bytearray(sound)
        data[place] = rng.integers(256)
        file.write_bytes(bytes(data))
        with contextlib.suppress(ModelUnusable):
            assert isinstance(read_pickle(file), dict)
