"""A small run on a ledger, with sums that can be done by hand."""

from dataclasses import replace

from nassim.cost.work import Activity
from nassim.ledger.entry import DRIVER, Entry, Lease, Outcome, Stage, Worker
from nassim.ledger.finding import Finding
from nassim.ledger.store import Ledger
from nassim.space.architecture import Architecture

RUN = "sample-1"
PEAK_FLOP_PER_S = 1e9

A = Architecture({"edge": "conv3x3"})
B = Architecture({"edge": "skip"})

EXPERIMENT = {
    "name": "sample",
    "seed": 7,
    "space": {"name": "cell"},
    "data": {"name": "digits"},
    "searches": [
        {
            "name": "full-tpe",
            "evaluator": {"kind": "full"},
            "sampler": {"name": "tpe"},
            "pruner": {"name": "none"},
            "trials": 4,
        },
        {"name": "enas", "evaluator": {"kind": "enas"}, "sampler": {"name": "reinforce"}, "trials": 3},
    ],
}


def _lap(start_s, seconds, activity, search=None, **rest):
    return Entry("w0", start_s, seconds, activity, search=search, **rest)


def _close(search, trial, outcome, architecture, reason=None):
    activity = Activity.SAMPLER
    return Entry(
        DRIVER,
        0.0,
        0.0,
        activity,
        search=search,
        trial=trial,
        architecture=architecture.id,
        outcome=outcome,
        reason=reason,
    )


TRAIN_A = _lap(
    2,
    4,
    Activity.TRAIN,
    "full-tpe",
    trial=0,
    architecture=A.id,
    forward_flop=100_000,
    backward_flop=200_000,
    torch_flop=310_000,
    elementwise_flop=7_000,
    elementwise_bytes=9_000,
    samples=100,
)

ENTRIES = (
    _lap(0, 2, Activity.STARTUP, "full-tpe"),
    TRAIN_A,
    _lap(6, 1, Activity.VALIDATE, "full-tpe", trial=0, architecture=A.id, forward_flop=50_000),
    _lap(7, 3, Activity.TRAIN, "full-tpe", trial=1, architecture=B.id, forward_flop=10_000, backward_flop=20_000),
    _lap(10, 1, Activity.TRAIN, "full-tpe", trial=2, architecture=A.id, forward_flop=5_000, backward_flop=15_000),
    _lap(11, 1, Activity.IDLE, "full-tpe"),
    _close("full-tpe", 0, Outcome.COMPLETE, A),
    _close("full-tpe", 1, Outcome.PRUNED, B),
    _close("full-tpe", 2, Outcome.FAILED, A, "Diverged: loss nan"),
    Entry(DRIVER, 0, 0.5, Activity.SAMPLER, search="full-tpe"),
    Entry(DRIVER, 0.5, 11.5, Activity.IDLE, search="full-tpe"),
    _lap(
        12,
        5,
        Activity.TRAIN,
        "full-tpe",
        stage=Stage.FINAL,
        architecture=A.id,
        forward_flop=30_000,
        backward_flop=50_000,
    ),
    _lap(17, 1, Activity.TEST, "full-tpe", stage=Stage.FINAL, architecture=A.id, forward_flop=1_000),
    Entry(DRIVER, 12, 6, Activity.IDLE, search="full-tpe", stage=Stage.FINAL),
    _lap(18, 2, Activity.SUPERNET, "enas", forward_flop=40_000, backward_flop=80_000),
    Entry(DRIVER, 18, 2, Activity.IDLE, search="enas"),
)

FOUND = Finding(
    "full-tpe",
    0,
    A,
    1234,
    1000,
    2000,
    40,
    99,
    {"accuracy": 0.961, "loss": float("nan")},
    torch_flop=3000,
    elementwise_flop=70,
    elementwise_bytes=90,
    words="|conv3x3|",
)


def post_sample(
    url: str,
    *,
    entries=ENTRIES,
    peak=PEAK_FLOP_PER_S,
    closed_s=20.0,
    found=(FOUND,),
    version="0.2.0",
    site=None,
    executor=None,
    **about,
) -> Ledger:
    """Post the sample run; by default its books close."""
    ledger = Ledger(url)
    experiment = EXPERIMENT | {"site": site, "executor": executor}
    writer = ledger.create(RUN, experiment, "2026-11-20T12:00:00Z", {"nassim": version, **about})
    source = None if peak is None else "measured"
    writer.lease(Lease(Worker("w0", "host", "cpu: test", 2, peak, source), 0.0))
    writer.lease(Lease(Worker(DRIVER, "host", "driver", 1), 0.0))
    for entry in entries:
        writer.append(entry)
    for finding in found:
        writer.found(finding)
    if closed_s is not None:
        writer.release("w0", closed_s, "closed")
        writer.release(DRIVER, 20.0, "closed")
        writer.commit()
        writer.close("finished")
    else:
        writer.commit()
    return ledger


AIMS = {"accuracy": "max", "params": "min"}


def post_front(url: str) -> Ledger:
    """Post the sample run as one by two objectives, which trained both architectures on the front."""
    values = {0: {"accuracy": 0.9, "params": 1234.0}, 1: {"accuracy": 0.8, "params": 12.0}}
    closed = {Outcome.COMPLETE, Outcome.PRUNED}
    entries = tuple(
        replace(entry, outcome=Outcome.COMPLETE, metrics=values[entry.trial]) if entry.outcome in closed else entry
        for entry in ENTRIES
    )
    again = replace(_close("full-tpe", 3, Outcome.COMPLETE, B), metrics=values[1])
    entries = (*entries, again)
    first = replace(FOUND, job="full-tpe/final", objectives=AIMS, front=(0, 1, 3))
    second = replace(first, trial=1, architecture=B, params=12, metrics={"accuracy": 0.81}, job="full-tpe/final/1")
    return post_sample(url, entries=entries, found=(first, second))


def with_search_names(names):
    """Return entries of searches with these names, one training each."""
    return tuple(replace(TRAIN_A, search=name, start_s=2.0 * n, seconds=2.0) for n, name in enumerate(names))
