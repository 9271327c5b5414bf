"""Models: what searches found, trained: saved with all it takes to use it, handed over, and loaded."""
