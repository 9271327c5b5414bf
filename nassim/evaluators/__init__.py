"""Evaluators: what it takes to know how good an architecture is."""
