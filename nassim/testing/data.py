"""The contract of data sets as tests. A new one subclasses `ReaderContract` and supplies the fixture `reader`.

Example:
    ```
    class TestMine(ReaderContract):
        @pytest.fixture
        def reader(self):
            return MyReader("file.csv")
    ```
"""

import pickle

import numpy as np
import pytest

from nassim.data.reading import Reader
from nassim.data.source import DataSource


class ReaderContract:
    """What every reader keeps to."""

    @pytest.fixture
    def reader(self) -> Reader:
        """Return the reader."""
        raise NotImplementedError("supply the fixture `reader`")

    def test_it_travels_to_workers_and_is_known_again(self, reader: Reader) -> None:
        """It describes data and holds none; what was read is kept by it in each process."""
        again = pickle.loads(pickle.dumps(reader))
        assert again == reader
        assert hash(again) == hash(reader)

    def test_its_shape_is_that_of_what_it_reads(self, reader: Reader) -> None:
        """The shape is known before any work starts."""
        shape, (x, y) = reader.shape(), reader.read()
        assert (len(x), x.shape[1:]) == (shape.count, shape.input_shape)
        assert x.dtype == np.float32
        assert len(y) == shape.count
        assert np.isfinite(x).all()
        assert float(np.abs(x).max()) <= shape.greatest * (1 + 1e-6)
        if shape.members:
            assert y.dtype == np.int64
            assert np.bincount(y, minlength=len(shape.members)).tolist() == list(shape.members)

    def test_it_reads_the_same_each_time(self, reader: Reader) -> None:
        """Which input is in which split follows from its place."""
        (x, y), (again_x, again_y) = reader.read(), reader.read()
        assert np.array_equal(x, again_x)
        assert np.array_equal(y, again_y)

    def test_it_can_be_split(self, reader: Reader) -> None:
        """No input is in two splits, and none is lost."""
        source = DataSource(reader)
        search, final = source.load(), source.load_final()
        assert len(search.train) + len(search.validation) == len(final.train)
        assert len(final.train) + len(final.test) == reader.shape().count

    def test_it_says_what_it_is(self, reader: Reader) -> None:
        """In the card of each model that is found."""
        assert reader.name
        assert reader.preparation
