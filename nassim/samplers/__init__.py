"""Samplers: who proposes. All rebuild their state from the seed and the finished trials."""
