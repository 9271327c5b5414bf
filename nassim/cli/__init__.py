"""The command line: parse, call, print. Commands load what they need when they are called."""

from nassim.cli.main import main

__all__ = ["main"]
