"""Devices and what they take: the catalogue, time and energy models, meters, prices."""
