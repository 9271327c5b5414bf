"""nassim: the cost of neural architecture search, before, instead of, during and after running it."""

__version__ = "0.2.0"
