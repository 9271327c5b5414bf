"""Where and when jobs run: the executors, and the only clocks."""
