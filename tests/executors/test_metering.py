"""No joule is counted twice or lost: windows, leases and laps, as they come and as they fail to."""

import math
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nassim.cost.work import Activity
from nassim.errors import NassimError
from nassim.executors.base import Lap, Metered, Released, Unmetered
from nassim.executors.energy.local import LocalMeter
from nassim.executors.energy.metering import Metering
from nassim.executors.energy.place import Place
from nassim.executors.inline import InlineExecutor
from nassim.hardware.meters import Meter, ReplayMeter
from nassim.ledger.entry import Worker
from nassim.testing.executors import drive
from nassim.testing.runners import toy_job

CPU = Place("m")


def worker(name, processors=1.0):
    return Worker(name, "node", "cpu: test", processors)


def lap(name, start_s, end_s, activity=Activity.TRAIN):
    return Lap(name, start_s, end_s - start_s, activity)


def by_lap(events):
    """Of each lap metered, when it began: seconds and joules."""
    return {(event.lap.worker, event.lap.start_s): (event.seconds, event.joules) for event in events}


def test_a_nodes_joules_go_by_processor_seconds_and_a_leases_by_seconds():
    metering = Metering()
    metering.lease(worker("a", 1), CPU, 0.0)
    metering.lease(worker("b", 3), CPU, 0.0)
    metering.read("m", 0.0, {"cpu:0": 100.0})
    metering.note([lap("a", 0, 1), lap("a", 1, 4), lap("b", 0, 4)])
    # 80 J in 4 s: a has 1 of 4 processors, 20 J, a quarter of them in its first lap
    events = metering.read("m", 4.0, {"cpu:0": 180.0})
    assert by_lap(events) == {("a", 0): (1, 5), ("a", 1): (3, 15), ("b", 0): (4, 60)}


def test_a_lap_waits_for_its_last_second_to_be_measured():
    metering = Metering()
    metering.lease(worker("a"), CPU, 0.0)
    metering.read("m", 0.0, {"cpu:0": 0.0})
    assert metering.read("m", 1.0, {"cpu:0": 10.0}) == []
    metering.note([lap("a", 0, 1.5)])
    assert metering.read("m", 1.25, {"cpu:0": 11.0}) == []
    metering.note([lap("a", 1.5, 2)])
    # 10 J, 1 J and half of 4 J from 1.25 to 1.75
    assert by_lap(metering.read("m", 1.75, {"cpu:0": 15.0})) == {("a", 0): (1.5, 13)}


def test_what_is_drawn_while_no_lease_is_held_is_nobodys():
    metering = Metering()
    metering.read("m", 0.0, {"cpu:0": 0.0})
    metering.read("m", 10.0, {"cpu:0": 1000.0})
    metering.lease(worker("a"), CPU, 12.0)
    metering.note([lap("a", 12, 13), Released("a", 13.0)])
    # one of four seconds was leased
    assert by_lap(metering.read("m", 14.0, {"cpu:0": 1080.0})) == {("a", 12): (1, 20)}
    assert metering.end() == []


def test_gpus_go_to_those_who_hold_them_and_processors_to_nobody_with_a_gpu():
    metering = Metering()
    metering.lease(worker("one"), Place("m", ("gpu:GPU-1",)), 0.0)
    metering.lease(worker("half", 0.5), Place("m", ("gpu:GPU-2",)), 0.0)
    metering.lease(worker("other half", 0.5), Place("m", ("gpu:GPU-2",)), 0.0)
    metering.read("m", 0.0, {"gpu:GPU-1": 0.0, "gpu:GPU-2": 0.0, "gpu:GPU-3": 0.0, "cpu:0": 0.0})
    metering.note([lap(name, 0, 1) for name in ("one", "half", "other half")])
    events = metering.read("m", 1.0, {"gpu:GPU-1": 300.0, "gpu:GPU-2": 500.0, "gpu:GPU-3": 70.0, "cpu:0": 90.0})
    assert {event.lap.worker: event.joules for event in events} == {"one": 300, "half": 250, "other half": 250}


def test_two_machines_are_measured_each_by_its_own_meter():
    metering = Metering()
    metering.lease(worker("a"), Place("m"), 0.0)
    metering.lease(worker("b"), Place("n"), 0.0)
    metering.read("m", 0.0, {"cpu:0": 0.0})
    metering.read("n", 0.5, {"cpu:0": 7.0})
    metering.note([lap("a", 0, 1), lap("b", 0, 1)])
    assert by_lap(metering.read("m", 1.0, {"cpu:0": 30.0})) == {("a", 0): (1, 30)}
    # n was measured for the second half alone
    assert by_lap(metering.read("n", 1.0, {"cpu:0": 9.0})) == {("b", 0): (0.5, 2)}


def test_between_a_meter_that_died_and_the_next_one_nothing_is_measured():
    metering = Metering()
    metering.lease(worker("a"), CPU, 0.0)
    metering.read("m", 0.0, {"cpu:0": 0.0})
    metering.read("m", 1.0, {"cpu:0": 5.0})
    metering.lose("m")
    metering.note([lap("a", 0, 1), lap("a", 1, 2), lap("a", 2, 3)])
    metering.read("m", 2.5, {"cpu:0": 1000.0})
    assert by_lap(metering.read("m", 3.0, {"cpu:0": 1004.0})) == {("a", 0): (1, 5), ("a", 2): (0.5, 4)}


def test_a_lap_that_had_begun_before_the_counter_vanished_has_what_was_measured():
    metering = Metering()
    metering.lease(worker("a"), CPU, 0.0)
    metering.read("m", 0.0, {"cpu:0": 0.0})
    metering.read("m", 1.0, {"cpu:0": 5.0})
    assert metering.lose("m", for_good=True) == []
    assert by_lap(metering.note([lap("a", 0, 4)])) == {("a", 0): (1, 5)}
    assert metering.note([lap("a", 4, 5), lap("a", 5, 6), Released("a", 6.0)]) == []


@given(st.data())
def test_joules_read_are_joules_on_laps_of_leases_in_their_time(data):
    """Any readings, any leases that cover the time read, any laps, in any order that keeps each stream's own."""
    times = sorted(data.draw(st.sets(st.integers(0, 200), min_size=2, max_size=12)))
    drawn = data.draw(st.lists(st.floats(0, 1e6), min_size=len(times) - 1, max_size=len(times) - 1))
    metering, notes = Metering(), {}
    for name in "abc"[: data.draw(st.integers(1, 3))]:
        cuts = sorted(data.draw(st.sets(st.integers(1, 199), max_size=8)))
        edges = [0, *cuts, 200] if name == "a" else [0, *cuts][: data.draw(st.integers(1, 9))]
        metering.lease(worker(name, data.draw(st.sampled_from([0.5, 1.0, 4.0]))), CPU, 0.0)
        laps = [lap(name, start, end) for start, end in pairwise(edges)]
        notes[name] = [*laps, Released(name, float(edges[-1]))]
    events: list[Metered] = []
    readings = [(at_s, math.fsum(drawn[:i])) for i, at_s in enumerate(times)]
    while readings or any(notes.values()):
        turn = data.draw(st.sampled_from(["read", *(name for name in notes if notes[name])]))
        # A release is known by the time of a reading after it; laps before it come when they are over, or later.
        overdue = [name for name in notes if readings and notes[name] and known_by(notes[name]) <= readings[0][0]]
        if turn == "read" and readings and not overdue:
            at_s, joules = readings.pop(0)
            events += metering.read("m", float(at_s), {"cpu:0": joules})
        elif name := next(iter(overdue), turn if turn != "read" else ""):
            events += metering.note([notes[name].pop(0)])
        elif not readings:
            name = next(name for name in notes if notes[name])
            events += metering.note([notes[name].pop(0)])
    events += metering.end()
    assert math.fsum(event.joules for event in events) == pytest.approx(math.fsum(drawn), rel=1e-9, abs=1e-9)
    laps = [(event.lap.worker, event.lap.start_s) for event in events]
    assert len(laps) == len(set(laps)), "a lap is metered at most once"
    for event in events:
        assert event.lap.start_s <= event.start_s
        assert event.start_s + event.seconds <= event.lap.start_s + event.lap.seconds + 1e-9


def known_by(notes):
    """When a lease whose next note is this one is known to be over."""
    return notes[-1].at_s


class Steady(Meter):
    """A machine that draws 100 W, by the host's clock; remembers its last reading."""

    def __init__(self, vanishes_after: int = 1_000_000) -> None:
        self._since = time.monotonic()
        self._left = vanishes_after
        self.joules = 0.0
        self.readings = 0

    def read_j(self):
        self.readings += 1
        if self.readings > self._left:
            raise NassimError("the energy counter energy_uj can't be read: gone")
        self.joules = 100 * (time.monotonic() - self._since)
        return {"cpu:0": self.joules}


def test_inline_every_lap_has_its_joules_and_all_that_was_read_is_on_laps():
    meter = Steady()
    with InlineExecutor(threads=1, find=lambda: (meter, ())) as executor:
        events = drive(executor, [toy_job("slow", 60, "long"), toy_job("slow", 1, "short"), toy_job("raises")])
    metered = [event for event in events if isinstance(event, Metered)]
    laps = [event for event in events if isinstance(event, Lap) and event.seconds > 0]
    assert [event.lap for event in metered] == laps
    assert math.fsum(event.seconds for event in metered) == pytest.approx(math.fsum(each.seconds for each in laps))
    assert math.fsum(event.joules for event in metered) == pytest.approx(meter.joules, rel=0.1)
    for event in metered:
        assert event.joules == pytest.approx(100 * event.seconds, rel=0.5, abs=1.0)
    # At the start, at the end, and at most once a second between
    assert 3 <= meter.readings <= 3 + sum(each.seconds for each in laps)


def test_a_recorded_meter_replays_to_the_joule():
    recorded = ReplayMeter([{"cpu:0": 1.5}, {"cpu:0": 43.25}])
    with InlineExecutor(threads=1, find=lambda: (recorded, ())) as executor:
        events = drive(executor, [toy_job("slow", 20)])
    metered = [event for event in events if isinstance(event, Metered)]
    # The last reading is taken a moment after the release, and what is drawn in between is no lease's.
    joules = math.fsum(event.joules for event in metered)
    assert joules <= 41.75
    assert joules == pytest.approx(41.75, rel=0.25)


@pytest.mark.slow
def test_a_counter_that_vanishes_is_told_once_and_work_goes_on():
    with InlineExecutor(threads=1, find=lambda: (Steady(vanishes_after=1), ())) as executor:
        events = drive(executor, [toy_job("slow", 60), toy_job("slow", 60, "more")])
    (told,) = [event for event in events if isinstance(event, Unmetered)]
    assert told.reason == "the energy counter energy_uj can't be read: gone"
    assert sum(isinstance(event, Lap) for event in events) > 200


def test_without_a_counter_nothing_is_measured():
    with InlineExecutor(threads=1, find=lambda: (None, ("no counter",))) as executor:
        events = drive(executor, [toy_job("trains")])
    assert not [event for event in events if isinstance(event, (Metered, Unmetered))]


def test_a_local_meter_reads_once_a_second_at_most():
    meter = Steady()
    local = LocalMeter(lambda: (meter, ()), 0.0, Metering())
    assert [local.due(at_s) for at_s in (0.5, 0.99, 1.0)] == [False, False, True]
    local.read(1.0)
    assert not local.due(1.9)
    assert meter.readings == 2
