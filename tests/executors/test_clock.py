"""Clocks of two machines read as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.executors.clock import Clock, Offset, utc_now

seconds = st.floats(0, 10, allow_nan=False)


@given(apart=st.floats(-1e6, 1e6), delays=st.lists(st.tuples(seconds, seconds, seconds), min_size=1, max_size=20))
def test_the_offset_is_wrong_by_at_most_half_the_shortest_delay(apart, delays):
    offset = Offset()
    sent = 0.0
    for there, worked, back in delays:
        received = sent + there - apart
        replied = received + worked
        arrived = replied + back + apart
        offset.learn(sent, received, replied, arrived)
        sent = arrived + 1
    error = offset.here(0.0) - apart
    assert abs(error) <= min(there + back for there, _, back in delays) / 2 + 1e-8 * (1 + abs(apart))


@given(drift=st.floats(-1e-4, 1e-4), delay=st.floats(1e-4, 1e-2))
def test_nothing_is_received_before_it_was_sent_though_clocks_drift(drift, delay):
    offset = Offset()
    for sent in range(0, 100_000, 1000):
        received = (sent + delay) * (1 + drift)
        replied = received + 0.5
        arrived = sent + 2 * delay + 0.5
        offset.learn(sent, received, replied, arrived)
        # The answer may take a little longer by the worker's clock than by ours: then both bounds can't hold.
        assert offset.here(received) >= sent - 1e-4
        assert offset.here(replied) <= arrived + 1e-9


def test_a_clock_goes_on_where_earlier_drivers_stopped():
    clock = Clock(at_s=100.0)
    assert 100.0 <= clock.now_s() < 101.0
    assert clock.now_s() <= clock.now_s()


def test_the_time_of_day_is_utc():
    assert utc_now().endswith("+00:00")
    assert len(utc_now()) == len("2026-01-01T00:00:00+00:00")


def test_an_offset_of_nothing_is_none():
    offset = Offset()
    offset.learn(1.0, 1.5, 1.5, 2.0)
    assert offset.here(1.5) == pytest.approx(1.5)
