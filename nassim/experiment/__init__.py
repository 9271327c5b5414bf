"""The experiment file, read and validated. Loads neither torch nor ray."""

from nassim.experiment.loading import bundled, load_experiment, located
from nassim.experiment.model import Experiment

__all__ = ["Experiment", "bundled", "load_experiment", "located"]
