"""Workers on a Ray cluster, or on a small local Ray."""
