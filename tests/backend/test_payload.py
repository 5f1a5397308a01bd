"""The payload: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backend.payload import (
    ALLOWED_DTYPES,
    HEADER,
    BadPayload,
    MeshArrays,
    PayloadLimits,
    image_arrays,
    image_bytes,
    mesh_arrays,
    open_reconstruction,
    pack,
    unpack,
    validated_mesh,
)
from backend.protocol import (
    PROTOCOL,
    CameraHeader,
    MeshHeader,
    ReconstructionHeader,
    RefineHeader,
    StillHeader,
    decode,
    from_json,
    to_json,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
TRIANGLE = MeshArrays(
    vertices=np.eye(3, dtype=np.float32),
    polygons=np.array([[0, 1, 2, -1]], np.int32),
    uvs=np.zeros((1, 4, 2), np.float32),
    expression=np.zeros((2, 3, 3), np.float16),
    identity=np.zeros((4, 3, 3), np.float16),
    known=np.float32([0, 0.5, 1]),
    seen_at=np.ones((3, 3), np.float32),
)


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return stream.getvalue()


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def header_member(text: str = f'{{"protocol": {PROTOCOL}}}') -> bytes:
    return npy(np.frombuffer(text.encode(), np.uint8))


def reconstruction(**changes: object) -> tuple[ReconstructionHeader, dict[str, np.ndarray]]:
    fields: dict = {
        "camera": CameraHeader(1, 1, 0, 0, 4, 4),
        "pose_deg": {"yaw": 1.0},
        "meshes": (MeshHeader("face", "face", has_shape_keys=True),),
        "images": ("face",),
        "expression_names": ("jawOpen", "mouthClose"),
        "model": "test",
    }
    arrays = {
        **mesh_arrays("face", TRIANGLE),
        **image_arrays({"face": PNG}),
        "identity": np.zeros(4, np.float32),
        "expression": np.zeros(2, np.float32),
        "rotation": np.eye(3),
        "translation_mm": np.zeros(3),
    }
    return ReconstructionHeader(**(fields | changes)), arrays


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ALLOWED_DTYPES).flatmap(
        lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
    )
)
def test_arrays_survive_the_trip(array: np.ndarray) -> None:
    header, arrays = unpack(pack(RefineHeader(3, 4), {"a/b_1": array}))
    assert decode(RefineHeader, header) == RefineHeader(3, 4)
    assert arrays["a/b_1"].dtype == array.dtype
    assert arrays["a/b_1"].shape == array.shape
    assert arrays["a/b_1"].tobytes() == array.tobytes()


def test_order_in_memory_does_not_matter() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T
    np.testing.assert_array_equal(unpack(pack(RefineHeader(1, 1), {"a": array}))[1]["a"], array)


def test_numpy_can_open_a_payload() -> None:
    data = pack(RefineHeader(1, 1), {"a": np.arange(3, dtype=np.int32)})
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        assert file["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["../a", "a/../b", "/a", "a//b", "a.b", "", "a" * 101, "a\\b", "a\n"])
def test_odd_names_do_not_travel(name: str) -> None:
    with pytest.raises(BadPayload):
        pack(RefineHeader(1, 1), {name: np.zeros(1, np.float32)})
    with pytest.raises(BadPayload):
        unpack(archive({f"{HEADER}.npy": header_member(), f"{name}.npy": npy(np.zeros(1, np.float32))}))


@pytest.mark.parametrize(
    "array", [np.array([{}], object), np.array(["x"]), np.zeros(1, ">f4"), np.zeros(1, "c8")]
)
def test_other_dtypes_do_not_travel(array: np.ndarray) -> None:
    with pytest.raises(BadPayload):
        pack(RefineHeader(1, 1), {"a": array})
    with pytest.raises(BadPayload):
        unpack(archive({f"{HEADER}.npy": header_member(), "a.npy": npy(array, allow_pickle=True)}))


def test_a_zip_bomb_is_refused_before_it_is_read() -> None:
    zeros = npy(np.zeros(40_000_000, np.uint8))
    data = archive({f"{HEADER}.npy": header_member(), "a.npy": zeros}, zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    with pytest.raises(BadPayload, match="compressed"):
        unpack(data)


def test_limits_on_size_and_count() -> None:
    data = pack(RefineHeader(1, 1), {f"a{i}": np.zeros(100, np.uint8) for i in range(5)})
    unpack(data, PayloadLimits(max_members=6))
    with pytest.raises(BadPayload, match="members"):
        unpack(data, PayloadLimits(max_members=5))
    with pytest.raises(BadPayload, match="bytes"):
        unpack(data, PayloadLimits(max_bytes=len(data) - 1))


def test_members_that_share_their_bytes_count_each() -> None:
    """Entries of the directory may overlap; the sum of what they promise is what is limited."""
    data = bytearray(archive({f"{HEADER}.npy": header_member(), "a.npy": npy(np.zeros(500, np.uint8))}))
    start = data.rindex(b"PK\x01\x02")
    struct.pack_into("<II", data, start + 20, 2**31 - 1, 2**31 - 1)
    with pytest.raises(BadPayload, match="bytes"):
        unpack(bytes(data))


def test_a_name_twice_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr(f"{HEADER}.npy", header_member())
        file.writestr("a.npy", npy(np.zeros(1, np.uint8)))
        file.writestr("a.npy", npy(np.zeros(1, np.uint8)))
    with pytest.raises(BadPayload):
        unpack(stream.getvalue())


@pytest.mark.parametrize(
    "shape",
    ["(4,)", "(2,)", "(1, 2)", "(0, 999999999999, 999999999999, 999999999999)", "(-3,)", "(3.0,)", "3"],
)
def test_a_shape_that_lies_is_refused(shape: str) -> None:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"abc"
    with pytest.raises(BadPayload):
        unpack(archive({f"{HEADER}.npy": header_member(), "a.npy": member}))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"protocol": 1}', "[" * 100_000, "{}"])
def test_headers_of_another_kind_are_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        unpack(archive({f"{HEADER}.npy": header_member(text)}))


def test_an_archive_without_header_is_refused() -> None:
    with pytest.raises(BadPayload, match="header"):
        unpack(archive({"a.npy": npy(np.zeros(1, np.uint8))}))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_payloads_raise_nothing_but_bad_payload(data: st.DataObject) -> None:
    good = bytearray(pack(*reconstruction()))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(good), len(good) // 2, 10, 0]))
    with contextlib.suppress(BadPayload):
        open_reconstruction(bytes(good[:end]))


def test_a_reconstruction_opens() -> None:
    header, arrays = reconstruction()
    opened = open_reconstruction(pack(header, arrays))
    assert opened.header == header
    assert opened.images == {"face": PNG}
    np.testing.assert_array_equal(opened.meshes["face"].vertices, TRIANGLE.vertices)
    assert opened.meshes["face"].identity is not None


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("mesh/face/vertices", np.full((3, 3), np.nan, np.float32)),
        ("mesh/face/vertices", np.full((3, 3), np.inf, np.float32)),
        ("mesh/face/vertices", np.zeros((3, 3), np.float64)),
        ("mesh/face/vertices", np.zeros((3, 2), np.float32)),
        ("mesh/face/polygons", np.array([[0, 1, 3, -1]], np.int32)),
        ("mesh/face/polygons", np.array([[0, -1, 2, -1]], np.int32)),
        ("mesh/face/polygons", np.array([[0, 1, 2, -2]], np.int32)),
        ("mesh/face/polygons", np.array([[0, 1, 1, -1]], np.int32)),
        ("mesh/face/polygons", np.array([[0, 1, 2, 0]], np.int32)),
        ("mesh/face/uvs", np.zeros((2, 4, 2), np.float32)),
        ("mesh/face/expression", np.zeros((2, 4, 3), np.float16)),
        ("mesh/face/expression", np.zeros((3, 3, 3), np.float16)),
        ("mesh/face/identity", np.zeros((5, 3, 3), np.float16)),
        ("mesh/face/known", np.zeros(4, np.float32)),
        ("mesh/face/seen_at", np.zeros((3, 2), np.float32)),
        ("mesh/face/known", np.full(3, np.nan, np.float32)),
        ("image/face", np.frombuffer(b"GIF89a", np.uint8)),
        ("rotation", np.eye(4)),
        ("translation_mm", np.array([0, np.nan, 0])),
        ("expression", np.zeros(3, np.float32)),
    ],
)
def test_unfit_arrays_are_refused(name: str, array: np.ndarray) -> None:
    header, arrays = reconstruction()
    assert name in arrays
    with pytest.raises(BadPayload):
        open_reconstruction(pack(header, arrays | {name: array}))


@pytest.mark.parametrize(
    "name", ["mesh/face/vertices", "mesh/face/polygons", "image/face", "identity", "rotation"]
)
def test_missing_arrays_are_refused(name: str) -> None:
    header, arrays = reconstruction()
    del arrays[name]
    with pytest.raises(BadPayload):
        open_reconstruction(pack(header, arrays))


def test_the_header_must_agree_with_the_arrays() -> None:
    face = MeshHeader("face", "face", has_shape_keys=True)
    for meshes in [
        (MeshHeader("face", "other", has_shape_keys=True),),
        (MeshHeader("face", "face"),),
        (face, face),
        (face, MeshHeader("hair", "face")),
    ]:
        with pytest.raises(BadPayload):
            open_reconstruction(pack(*reconstruction(meshes=meshes)))


def test_an_empty_mesh_is_a_mesh() -> None:
    empty = MeshArrays(np.zeros((0, 3), "f4"), np.zeros((0, 4), "i4"), np.zeros((0, 4, 2), "f4"))
    assert len(validated_mesh(mesh_arrays("hair", empty), "hair").vertices) == 0


def test_images_travel_as_png_only() -> None:
    assert image_bytes(image_arrays({"a": PNG}), "a") == PNG
    with pytest.raises(BadPayload):
        image_bytes(image_arrays({"a": b"\xff\xd8\xff"}), "a")
    with pytest.raises(BadPayload):
        image_bytes({}, "a")


def test_records_survive_json() -> None:
    header, _ = reconstruction(warnings=("Große Drehung",), timings_ms={"fit": 3.5})
    assert from_json(ReconstructionHeader, to_json(header)) == header


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": "3"}, "width"),
        ({"width": 3.5}, "width"),
        ({"width": True}, "width"),
        ({"interim": 1}, "interim"),
        ({"invented_share": float("nan")}, "invented_share"),
        ({"invented_share": None}, "invented_share"),
        ({"method": ["x"]}, "method"),
    ],
)
def test_wrong_types_name_the_field(change: dict, words: str) -> None:
    good = {"width": 1, "height": 2, "invented_share": 0, "method": "x", "interim": True, "later": 5}
    assert decode(StillHeader, good) == StillHeader(1, 2, 0.0, "x", True)
    with pytest.raises(ValueError, match=words):
        decode(StillHeader, good | change)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValueError, match=r"CameraHeader\.fy: missing"):
        decode(CameraHeader, {"fx": 1})
    with pytest.raises(ValueError, match=r"origin_mm"):
        decode(MeshHeader, {"name": "a", "image": "b", "origin_mm": [0, 1]})


@pytest.mark.parametrize("terms", [0, 4, 10])
def test_light_has_nine_terms_or_is_not_there(terms: int) -> None:
    assert open_reconstruction(pack(*reconstruction())).header.light is None
    light = ((0.5, -0.25, 1.0),) * 9
    assert open_reconstruction(pack(*reconstruction(light=light))).header.light == light
    with pytest.raises(BadPayload, match="light"):
        open_reconstruction(pack(*reconstruction(light=light[:1] * terms)))
