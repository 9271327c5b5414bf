"""Data sets: where they are read from, how they are split, and who may see which split."""
