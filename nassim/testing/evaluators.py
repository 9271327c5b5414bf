"""The contract of evaluators as tests. A new one subclasses `EvaluatorContract` and supplies the fixture `make`.

Example:
    ```
    class TestMine(EvaluatorContract):
        @pytest.fixture
        def make(self):
            return lambda setting: MyEvaluator(setting, epochs=2)
    ```
"""

import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nassim.cost.work import Activity, Work, add_up
from nassim.data.source import digits
from nassim.evaluation import Candidate, Evaluator, Job, Progress
from nassim.evaluators.schedule import Schedule
from nassim.evaluators.setting import Setting
from nassim.evaluators.task import CLASSIFICATION
from nassim.ledger.entry import Stage
from nassim.seeds import derive_seed
from nassim.space.architecture import Architecture
from nassim.space.catalogue import load_space
from nassim.space.search_space import SearchSpace

Make = Callable[[Setting], Evaluator]
"""Makes a new evaluator of a setting."""

UNPLANNED = (Activity.CHECKPOINT, Activity.TRANSFER, Activity.IDLE)
"""What a job does besides its plan: to write, to read and to wait."""


class EvaluatorContract:
    """What every evaluator keeps to, whatever it makes of an architecture."""

    @pytest.fixture
    def make(self) -> Make:
        """Return what makes a new evaluator of a setting."""
        raise NotImplementedError("supply the fixture `make`")

    @pytest.fixture
    def space(self) -> SearchSpace:
        """A small space that ships; its choices share weights."""
        return load_space("cell", {"width": 2, "cells": 1, "input_shape": (1, 8, 8)})

    @pytest.fixture
    def setting(self, space: SearchSpace, tmp_path: Path) -> Setting:
        """A setting of its own for each test."""
        schedule = Schedule(epochs=2)
        return Setting("mine", space, digits(), schedule, CLASSIFICATION, 0, lambda each: True, _folders(tmp_path))

    def test_jobs_do_what_is_planned(self, make: Make, setting: Setting) -> None:
        """The Work that a job yields adds up to what was planned before it ran, to the last FLOP."""
        for job, progresses in _evaluated(make(setting), setting):
            done = [each.work for each in progresses if each.work.activity not in UNPLANNED]
            assert _amounts(done) == _amounts(job.planned), job.id

    def test_each_trial_reports_to_the_end_of_its_job(self, make: Make, setting: Setting) -> None:
        """Steps come one after the other, each trial's for itself, up to the job's last."""
        for job, progresses in _evaluated(make(setting), setting):
            for trial in job.trials:
                steps = [each.step for each in progresses if each.is_report and each.trial in (trial, None)]
                assert steps == [*range(job.first + 1, job.last + 1)], job.id

    def test_the_same_seeds_come_to_the_same(self, make: Make, setting: Setting, tmp_path: Path) -> None:
        """Whichever worker it is: another evaluator, in a folder of its own, reports the same."""
        elsewhere = replace(setting, folder_of=_folders(tmp_path / "elsewhere"))
        reports, others = ([_reports(each) for _, each in _evaluated(make(one), one)] for one in (setting, elsewhere))
        assert reports == others

    def test_jobs_travel_to_workers(self, make: Make, setting: Setting) -> None:
        """They can be pickled, and are none of two trials at once unless they say so."""
        evaluator = make(setting)
        for job, _ in _evaluated(evaluator, setting):
            assert pickle.loads(pickle.dumps(job)) == job
            assert len(job.candidates) <= evaluator.batch
            assert not job.prunable or len(job.candidates) == 1
            assert job.stage is (Stage.SEARCH if job.candidates else Stage.SHARED)

    def test_preparations_come_on_and_are_known_again(self, make: Make, setting: Setting) -> None:
        """Their states stand as long as their files do; what is due never falls."""
        evaluator = make(setting)
        if not evaluator.preparations:
            pytest.skip("it prepares nothing")
        for _ in _evaluated(evaluator, setting):
            pass
        for each in make(setting).preparations:
            due = [evaluator.due(each, trial) for trial in range(4 * evaluator.batch)]
            assert due == sorted(due)
            come_to = evaluator.due(each, evaluator.batch - 1)
            assert each.standing(come_to) == come_to
            for file in each.needless(come_to):
                file.unlink()
            assert each.standing(come_to) == come_to, "what is needless is not needed"

    def test_a_warm_up_is_start_up_and_leaves_no_trace(self, make: Make, setting: Setting) -> None:
        """What it takes is on the books as start-up, and no result depends on it."""
        warm = make(setting)
        work = warm.warm_up()
        assert work.activity is Activity.STARTUP
        (job, cold), *_ = _evaluated(make(setting), setting)
        assert _reports(_run(warm, job)) == _reports(cold)


def _folders(top: Path) -> Callable[[str], Path]:
    def folder_of(name: str) -> Path:
        (top / name).mkdir(parents=True, exist_ok=True)
        return top / name

    return folder_of


def _evaluated(evaluator: Evaluator, setting: Setting) -> Iterator[tuple[Job, list[Progress]]]:
    """Run what it takes to evaluate as many trials as go into one job, and that job; yield each with its progress."""
    space, rng = setting.space, np.random.default_rng(0)

    def draw(count: int, step: int) -> Sequence[Architecture]:
        drawn = np.random.default_rng(step)
        return [space.sample(drawn) for _ in range(count)]

    count = evaluator.batch
    candidates = [Candidate(space.sample(rng), number, derive_seed(0, "trial", number)) for number in range(count)]
    for preparation in evaluator.preparations:
        step = 0
        while step < evaluator.due(preparation, count - 1):
            job = evaluator.prepare(preparation, step, draw)
            assert (job.id, job.first) == (preparation.id, step)
            yield job, _run(evaluator, job)
            step = job.last
    job = evaluator.plan(candidates)
    yield job, _run(evaluator, job)


def _run(evaluator: Evaluator, job: Job) -> list[Progress]:
    progresses = []
    for progress in evaluator.run(job):
        assert not progress.hindrance, progress.hindrance
        progresses.append(progress)
    return progresses


def _amounts(works: Sequence[Work]) -> dict[Activity, Counter[str]]:
    """Return what works come to by activity; none where nothing is done."""
    found = {work.activity: Counter(work.amounts) for work in add_up(works)}
    return {activity: amounts for activity, amounts in found.items() if amounts.total()}


def _reports(progresses: Sequence[Progress]) -> list[tuple[int | None, int | None, object]]:
    return [(each.step, each.trial, dict(each.metrics)) for each in progresses if each.is_report]
