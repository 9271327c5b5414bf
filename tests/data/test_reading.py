import pickle

import numpy as np
import pytest

from nassim.data.reading import ArrayFile, Digits
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
        ({"x": np.array([[{}] * 4] * 12, dtype=object)}, "without pickled objects: Object arrays cannot be loaded"),
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


def test_what_was_done_to_inputs_is_told(tmp_path):
    assert (Digits().name, Digits().preparation) == ("digits", "pixels, 0 to 16, are divided by 16")
    file = ArrayFile(str(tmp_path / "mine.npz"))
    assert (file.name, file.preparation) == ("mine.npz", "numbers are taken as they are")
