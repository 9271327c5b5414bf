"""The ledger's FLOP are what torch counts, to the last one, for all that is run."""

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from searching import CELL, ENAS, FULL, experiment, run, traps
from torch.utils.flop_counter import FlopCounterMode
from traps import STEPS_PER_EPOCH

from nassim.run.make import Parts
from nassim.space.catalogue import load_space

STARTUP = "startup"
PRUNED = {"name": "median", "parameters": {"n_startup_trials": 1, "n_warmup_steps": 0}}


@pytest.fixture
def counted(monkeypatch) -> Counter:
    """FLOP of each job, and of warming up, as torch counts them while it runs."""
    flop: Counter[str] = Counter()
    run_job, warm_up = Parts.run_job, Parts.warm_up

    def run_counted(self, job):
        steps = run_job(self, job)
        while True:
            with FlopCounterMode(display=False) as counter:
                progress = next(steps, None)
            flop[job.id] += counter.get_total_flops()
            if progress is None:
                return
            yield progress

    def warm_up_counted(self):
        for architecture in self.space.domain.covering():
            self.space.profile(architecture)  # or torch would count the counting on the meta device
        with FlopCounterMode(display=False) as counter:
            work = warm_up(self)
        flop[STARTUP] += counter.get_total_flops()
        return work

    monkeypatch.setattr(Parts, "run_job", run_counted)
    monkeypatch.setattr(Parts, "warm_up", warm_up_counted)
    return flop


def booked(done, counted) -> dict[str, int]:
    """Return what the ledger says of what was counted."""
    return {name: done.flop(activity=name) if name == STARTUP else done.flop(job=name) for name in counted}


@pytest.mark.slow
def test_full_trials_pruned_ones_and_the_final_training(tmp_path, counted):
    done = run(experiment(tmp_path, FULL | {"pruner": PRUNED}, space=CELL))
    assert {"complete", "pruned"} <= set(done.outcomes)
    assert booked(done, counted) == counted
    assert sum(counted.values()) == done.spent_flop
    assert {name.rpartition("/")[0] for name in counted} == {"", "full", "full/trial"}


@pytest.mark.slow
def test_rounds_of_shared_weights_and_their_scores(tmp_path, counted):
    done = run(experiment(tmp_path, ENAS, space=CELL))
    assert booked(done, counted) == counted
    assert sum(counted.values()) == done.spent_flop
    assert {name.rpartition("/")[0] for name in counted} == {"", "enas", "enas/trials"}


def test_failed_trials_up_to_the_step_in_which_they_failed(tmp_path, counted):
    search = FULL | {"sampler": {"name": "grid"}, "trials": 3}
    done = run(experiment(tmp_path, search, space=traps("fine", "raises", "diverges")))
    assert sorted(done.outcomes) == ["complete", "failed", "failed"]
    missing = {job: flop - booked(done, counted)[job] for job, flop in counted.items()}
    (raised,) = done.trials[done.trials["reason"].str.contains("TypeError", na=False)].index
    assert 0 < missing.pop(f"full/trial/{raised[1]}") < done.flop(job="full/final") / 3 / STEPS_PER_EPOCH
    assert set(missing.values()) == {0}


@pytest.mark.slow
def test_a_training_written_down_once_more(tmp_path):
    """Independent of every evaluator: the subnet, SGD, 3 epochs on 1,079 inputs, each validated on 359."""
    done = run(experiment(tmp_path, FULL | {"trials": 1}, space=CELL))
    space = load_space(CELL["name"], CELL["parameters"])
    network = space.subnet(space.canonical(done.study("full")[0].params))
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    with FlopCounterMode(display=False) as counter:
        for _ in range(3):
            for size in [128] * 8 + [55]:
                optimizer.zero_grad()
                F.cross_entropy(network(torch.rand(size, 1, 8, 8)), torch.zeros(size, dtype=torch.long)).backward()
                optimizer.step()
            with torch.no_grad():
                network(torch.rand(359, 1, 8, 8))
    assert done.flop(search="full", stage="search") == counter.get_total_flops()
