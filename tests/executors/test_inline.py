"""The reference executor."""

import pytest

from nassim.executors.inline import InlineExecutor
from nassim.testing.executors import RealTimeExecutorContract
from nassim.testing.runners import make_torch_runner


class TestInline(RealTimeExecutorContract):
    @pytest.fixture
    def executor(self):
        with InlineExecutor(threads=1) as executor:
            yield executor


def test_the_worker_measures_its_peak_rate_where_torch_is_at_work():
    with InlineExecutor(threads=1) as executor:
        executor.start(make_torch_runner)
        worker = executor.wait()[0].worker
    assert worker.processors == 1
    assert worker.peak_source == "measured"
    assert 1e9 < worker.peak_flop_per_s < 1e12
