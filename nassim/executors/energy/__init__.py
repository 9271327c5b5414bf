"""What workers draw: counters read, and shared out among leases and laps."""
