"""What the figures hold and how they were got, in words: for text and JSON alike."""

from nassim.cost.work import FLOP_PER_MAC

COUNTED_AS_TORCH = ("0.1.0",)
"""The versions of nassim that counted as torch's FlopCounterMode does, and no element-wise work."""

HEADLINE = (
    "Search : final is FLOP performed over FLOP performed, busy over busy: a matter of the method, and not of the "
    "hardware or of how many workers idled while one trained the final model."
)
"""Which ratio is the headline, and why."""

INCLUDED = (
    "every second that a worker is held: start-up, data loading, work, idle and lost time",
    "failed, pruned, duplicate and stopped trials, and work done twice after a fault",
    "the training of shared weights, with all children that it takes",
    "the driver's own seconds: sampler, controller, planning, ledger, waiting",
)
"""What is on the books."""

EXCLUDED = (
    "installing, downloading data, writing and debugging code, and other runs and seeds",
    "the driver's operations (its seconds are posted, its FLOP are not counted), and its machine's energy and rent",
    "element-wise operations, from FLOP and their ratio alone: they have rows of their own",
    "embodied carbon, storage, networks",
)
"""What is not."""

PERFORMED = (
    "FLOP are operations of contractions (convolutions, products of matrices, attention) as performed, forward and "
    f"backward; one multiply-add is 1 MAC and {FLOP_PER_MAC} FLOP. Element-wise work (activations, normalisation, "
    "pooling, additions) stands beside and is left out of them, as is the field's habit."
)
TORCH = (
    "This run's FLOP were counted by nassim {version}, as torch's FlopCounterMode does: the weight gradient of a "
    "grouped convolution once for each group, which is too often. It did not count element-wise work."
)
MIXED = f"{TORCH} What was done since it was resumed is counted as performed."
CONVENTIONS = {"performed": PERFORMED, "torch": TORCH, "mixed": MIXED}
"""What is said of each convention of counting."""
