"""nassim: the cost of neural architecture search, before, instead of, during and after running it."""

__version__ = "0.1.0"
