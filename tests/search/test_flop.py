"""The ledger's FLOP are what torch counts, to the last one, for all that is run."""

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from searching import CELL, ENAS, FULL, experiment, run, traps
from torch.utils.flop_counter import FlopCounterMode
from traps import STEPS_PER_EPOCH

from nassim.parts import Parts
from nassim.space.loading import load_space

PRUNED = {"name": "median", "parameters": {"n_startup_trials": 1, "n_warmup_steps": 0}}


@pytest.fixture
def counted(monkeypatch) -> Counter:
    """FLOP of each job as torch counts them while it runs."""
    flop: Counter[str] = Counter()
    run_job = Parts.run_job

    def run_counted(self, job):
        steps = run_job(self, job)
        while True:
            with FlopCounterMode(display=False) as counter:
                progress = next(steps, None)
            flop[job.id] += counter.get_total_flops()
            if progress is None:
                return
            yield progress

    monkeypatch.setattr(Parts, "run_job", run_counted)
    return flop


def test_full_trials_pruned_ones_and_the_final_training(tmp_path, counted):
    done = run(experiment(tmp_path, FULL | {"pruner": PRUNED}, space=CELL))
    assert {"complete", "pruned"} <= set(done.outcomes)
    assert {job: done.flop(job=job) for job in counted} == counted
    assert sum(counted.values()) == done.spent_flop
    assert {name.split("/")[1] for name in counted} == {"trial", "final"}


def test_rounds_of_shared_weights_and_their_scores(tmp_path, counted):
    done = run(experiment(tmp_path, ENAS, space=CELL))
    assert {job: done.flop(job=job) for job in counted} == counted
    assert sum(counted.values()) == done.spent_flop
    assert {name.split("/")[1] for name in counted} == {"round", "trials", "final"}


def test_failed_trials_up_to_the_step_in_which_they_failed(tmp_path, counted):
    search = FULL | {"sampler": {"name": "grid"}, "trials": 3}
    done = run(experiment(tmp_path, search, space=traps("fine", "raises", "diverges")))
    assert sorted(done.outcomes) == ["complete", "failed", "failed"]
    missing = {job: flop - done.flop(job=job) for job, flop in counted.items()}
    (raised,) = done.trials[done.trials["reason"].str.contains("TypeError", na=False)].index
    assert 0 < missing.pop(f"full/trial/{raised[1]}") < done.flop(job="full/final") / 3 / STEPS_PER_EPOCH
    assert set(missing.values()) == {0}


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
