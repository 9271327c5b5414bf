"""Fixtures that tests of several packages share."""

import os
import signal

# Before torch is loaded. The networks here are tiny: a second thread costs more than it computes, many times more where
# the machine is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that starts this in the background has its children ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

from postgresql import postgresql_server, postgresql_url  # noqa: E402

__all__ = ["postgresql_server", "postgresql_url"]
