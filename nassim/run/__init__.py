"""Run: one execution of an experiment, from its first lease to its closed books."""

from nassim.run.running import execute, resume

__all__ = ["execute", "resume"]
