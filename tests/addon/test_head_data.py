"""Payloads to flat arrays in Blender's frame, and refusal of what cannot be built."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import synthetic
from likeness.addon.errors import ResultBroken
from likeness.addon.head_data import decode_head
from likeness.backend.frames import blender_to_head


@pytest.fixture(scope="module")
def payload():
    return synthetic.reconstruction(("A warning.",))


def changed(payload: bytes, change) -> bytes:
    """The payload after ``change(header, arrays)``, written without its checks."""
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        arrays = {
            name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name))) for name in archive.namelist()
        }
    header = json.loads(arrays.pop("header").tobytes())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_a_head_arrives(payload):
    head = decode_head("Ann", payload)
    assert head.name == "Ann"
    assert head.header.warnings == ("A warning.",)
    assert [mesh.header.name for mesh in head.meshes][:2] == ["face", "eye_left"]
    assert (head.images["photo"].width, head.images["photo"].height) == (synthetic.WIDTH, synthetic.HEIGHT)
    eye = head.meshes[1]
    assert blender_to_head(eye.origin_m) == pytest.approx(np.array([30, 20, 71]), abs=1e-4)


def test_the_padding_of_triangles_is_gone(payload):
    face = decode_head("Ann", payload).meshes[0]
    _, polygons = synthetic.ellipsoid((1, 1, 1), 48, 64)
    naive = [[corner for corner in polygon if corner >= 0] for polygon in polygons.tolist()]
    ends = [*face.corner_starts[1:].tolist(), len(face.corners)]
    rebuilt = [face.corners[a:b].tolist() for a, b in zip(face.corner_starts.tolist(), ends, strict=True)]
    assert rebuilt == naive
    assert face.corner_uvs.shape == (len(face.corners), 2)


def lose_plate(header, arrays):
    header["images"].remove("plate")


def lose_face(header, arrays):
    header["meshes"] = header["meshes"][1:]


def flat_camera(header, arrays):
    header["camera"]["fx"] = 0.0


def oblong_pixels(header, arrays):
    header["camera"]["fy"] *= 1.5


def mirrored_pose(header, arrays):
    arrays["rotation"] = arrays["rotation"] @ np.diag([1.0, 1.0, -1.0])


def wild_index(header, arrays):
    arrays["mesh/face/polygons"] = arrays["mesh/face/polygons"] + 100_000


def not_a_number(header, arrays):
    vertices = arrays["mesh/hair/vertices"].copy()
    vertices[3, 1] = np.nan
    arrays["mesh/hair/vertices"] = vertices


def giant_image(header, arrays):
    image = arrays["image/face"].copy()
    image[16:20] = 255
    arrays["image/face"] = image


def missing_array(header, arrays):
    del arrays["mesh/body/uvs"]


@pytest.mark.parametrize(
    "change",
    [
        lose_plate,
        lose_face,
        flat_camera,
        oblong_pixels,
        mirrored_pose,
        wild_index,
        not_a_number,
        giant_image,
        missing_array,
    ],
)
def test_what_cannot_be_built_is_refused(payload, change):
    decode_head("Ann", changed(payload, lambda header, arrays: None))
    with pytest.raises(ResultBroken, match="damaged head"):
        decode_head("Ann", changed(payload, change))


@pytest.mark.parametrize("length", [0, 10, 5000])
def test_a_cut_payload_is_refused(payload, length):
    with pytest.raises(ResultBroken):
        decode_head("Ann", payload[:length])
