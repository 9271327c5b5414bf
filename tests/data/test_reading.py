import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nassim.data.reading import ArrayFile, Digits, _read_checked
from nassim.errors import NassimError


def save(folder, **arrays):
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return ArrayFile(str(path))


def good(count=12):
    return {"x": np.arange(count * 4, dtype=np.float64).reshape(count, 1, 2, 2), "y": np.arange(count) % 3}


def test_digits_are_what_their_shape_says():
    x, y = Digits().read()
    shape = Digits().shape()
    assert x.shape == (shape.count, *shape.input_shape)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    assert (x.min(), x.max()) == (0, 1)
    assert tuple(np.bincount(y)) == shape.members


def test_an_array_file_is_read_as_it_is(tmp_path):
    reader = save(tmp_path, **good())
    x, y = reader.read()
    assert np.array_equal(x, good()["x"].astype(np.float32))
    assert np.array_equal(y, good()["y"])
    assert x.dtype == np.float32
    assert (reader.shape().count, reader.shape().input_shape, reader.shape().outputs) == (12, (1, 2, 2), 3)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NassimError, match=r"nowhere\.npz: there is no such file; data is an \.npz file with x and y"):
        ArrayFile(str(tmp_path / "nowhere.npz")).shape()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": None}, r"needs the arrays x and y, found x; write it with numpy\.savez"),
        ({"x": np.array([["a"] * 4] * 12)}, "x holds numbers .* found dtype <U1"),
        ({"x": np.zeros((12, 4), complex)}, "x holds numbers .* found dtype complex128"),
        ({"x": np.zeros(12)}, r"x has the shape \(count, \.\.\.\).* found \(12,\)"),
        ({"x": np.zeros((0, 4)), "y": np.zeros(0, int)}, r"x has the shape .* found \(0, 4\)"),
        ({"y": np.zeros(12)}, "y holds whole numbers .* found dtype float64"),
        ({"y": np.zeros(11, int)}, r"one label for each of the 12 inputs of x, found shape \(11,\)"),
        ({"y": np.zeros((12, 1), int)}, r"found shape \(12, 1\)"),
        ({"y": np.arange(12) % 3 + 1}, "labels 0 to k - 1, each at least once, found 3 labels from 1 to 3"),
        ({"y": np.arange(12) % 2 * 2}, "found 2 labels from 0 to 2; number the classes from 0 without gaps"),
        ({"y": np.arange(12) % 3 - 1}, "found 3 labels from -1 to 1"),
        ({"y": np.zeros(12, int)}, "y has at least 2 classes, found only the label 0"),
        ({"x": np.full((12, 4), np.nan)}, "x holds NaN, inf or numbers beyond float32 in 12 of 12 inputs"),
        ({"x": np.array([[1e300] * 4] + [[0.0] * 4] * 11)}, "beyond float32 in 1 of 12 inputs"),
        ({"x": np.array([[{}] * 4] * 12, dtype=object)}, "x holds numbers .* found dtype object"),
        ({"x": np.zeros((12, 4), bool)}, "x holds numbers .* found dtype bool"),
    ],
)
def test_unfit_arrays_are_refused(tmp_path, changes, message):
    fields = {name: value for name, value in {**good(), **changes}.items() if value is not None}
    with pytest.raises(NassimError, match=message):
        save(tmp_path, **fields).shape()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off", pickle.dumps({"x": 1})])
def test_files_of_another_kind_are_refused(tmp_path, content):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(NassimError, match=r"data\.npz: can't be read as an \.npz file of plain arrays"):
        ArrayFile(str(path)).shape()


def test_a_single_array_is_refused(tmp_path):
    path = tmp_path / "data.npy"
    np.save(path, np.zeros((4, 4)))
    with pytest.raises(NassimError, match=r"data\.npy: can't be read as an \.npz file"):
        ArrayFile(str(path)).shape()


def test_a_damaged_array_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, **good())
    content = bytearray(path.read_bytes())
    content[150] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(NassimError, match="can't be read"):
        ArrayFile(str(path)).shape()


def member(shape=(12, 1, 2, 2), dtype="<f4", content=b""):
    """An array's header, and something after it."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + content


def packed(folder, method=zipfile.ZIP_DEFLATED, **members):
    """A file with a good y, and other members as they are given."""
    labels = io.BytesIO()
    np.save(labels, good()["y"])
    path = folder / "data.npz"
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in ({"y.npy": labels.getvalue()} | members).items():
            file.writestr(name, content)
    return path


HOSTILE = {
    "more than any memory": (member((10**9, 1, 32, 32)), r"by its header, 4,096,000,000,000 bytes, and the file holds"),
    "more than can be counted": (member((10**30, 4)), "by its header, .* and the file holds"),
    "less than none": (member((-5, 4)), "by its header, .* and the file holds"),
    "cut off": (
        member(content=b"abc"),
        "by its header, 192 bytes, and the file holds 131 of it",
    ),
    "a pickle": (pickle.dumps({}), "can't be read .*: ValueError"),
    "code for a header": (b"\x93NUMPY\x01\x00\x08\x00exit(1)\n", "can't be read .*: ValueError"),
    "a header without end": (b"\x93NUMPY\x01\x00\x09\x00" + b"(" * 9, "can't be read .*: "),
    "a header to come": (b"\x93NUMPY\x02\x00" + b"\xff" * 4, "can't be read .*: ValueError"),
    "no such version": (b"\x93NUMPY\x09\x00" + b"\xff" * 4, "can't be read .*: ValueError"),
    "lists of numbers": (member((12, 4), [("a", "<f4")], bytes(192)), "x holds numbers .* found dtype"),
    "one huge number": (member((2, 1), "|V2147483647"), "x holds numbers .* found dtype"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_an_array_says_of_itself_is_held_against_what_is_there(tmp_path, what):
    content, message = HOSTILE[what]
    path = packed(tmp_path, **{"x.npy": content})
    with pytest.raises(NassimError, match=message):
        ArrayFile(str(path)).shape()


def test_members_that_are_no_arrays_are_none(tmp_path):
    path = packed(tmp_path, x=b"hello", **{f"a{n}.npy": b"" for n in range(1000)}, **{"\x1b[31m\n.npy": b""})
    with pytest.raises(NassimError, match=r"needs the arrays x and y, found y, a0, .*\.\.\.; write it") as caught:
        ArrayFile(str(path)).shape()
    assert str(caught.value).isprintable()


def test_a_file_that_unpacks_to_what_no_data_does_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("nassim.data.reading.LARGE_BYTES", 2**20)
    path = packed(tmp_path, **{"x.npy": member((2**18, 4), content=bytes(2**22))})
    with pytest.raises(NassimError, match=r"x is packed 1,0\d\d to 1, in 4,\d\d\d bytes; data of this size"):
        ArrayFile(str(path)).shape()


def test_data_that_this_machine_has_no_memory_for_is_refused_unread(tmp_path, monkeypatch):
    reader = save(tmp_path, **good())
    monkeypatch.setattr("nassim.data.reading.psutil.virtual_memory", lambda: type("Memory", (), {"available": 500}))
    with pytest.raises(NassimError, match=r"x has the shape .*, and takes 576 bytes .* machine has 500 left"):
        reader.shape()


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_packed_arrays_that_are_damaged_are_refused(tmp_path, method):
    path = packed(tmp_path, method, **{"x.npy": member(content=np.random.default_rng(0).bytes(192))})
    content = bytearray(path.read_bytes())
    content[250:270] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(NassimError, match="can't be read as an"):
        ArrayFile(str(path)).shape()


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "data.npz")
    with pytest.raises(NassimError, match="this is no file; data is an"):
        ArrayFile(str(tmp_path / "data.npz")).shape()


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_bytes_a_file_has_it_is_read_or_refused(tmp_path, data):
    path = packed(tmp_path, data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])),
                  **{"x.npy": member(content=bytes(192))})  # fmt: skip
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    _read_checked.cache_clear()
    try:
        x, y = ArrayFile(str(path), data.draw(st.sampled_from(["classification", "binary", "regression"]))).read()
        assert len(x) == len(y)
        told = str(path)
    except NassimError as error:
        told = str(error)
    assert told.startswith(str(path))


def test_what_was_done_to_inputs_is_told(tmp_path):
    assert (Digits().name, Digits().preparation) == ("digits", "pixels, 0 to 16, are divided by 16")
    file = ArrayFile(str(tmp_path / "mine.npz"))
    assert (file.name, file.preparation) == ("mine.npz", "numbers are taken as they are")
