"""nassim: the cost of neural architecture search, before, instead of, during and after running it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

__version__ = "0.2.0"


def load_model(folder: str | Path, device: str = "cpu") -> "nn.Module":
    """Return the trained network that `nassim model` wrote to a folder, to be used and not trained on.

    It takes inputs (batch, *input_shape), float32, prepared as `architecture.json` in the folder says, and returns
    logits (batch, classes). The code of the model's search space is run: load what you would run.

    Args:
        folder: The folder.
        device: Where the network is to be, as torch names it.

    Raises:
        NassimError: There is no model, it is damaged, its space can't be loaded, or the network that the space builds
            by now is another than the weights are of.
    """
    from nassim.models.loading import load_model as load  # torch takes seconds to import

    return load(folder, device)
