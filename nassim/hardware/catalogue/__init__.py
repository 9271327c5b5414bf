"""Devices, prices, grids and data centres: data files, each number with its source, and the look-up in them."""

from nassim.hardware.catalogue.entries import Confidence, Device, DeviceKind, Grid, Precision, Price, Pue
from nassim.hardware.catalogue.finding import HardwareCatalogue, load_catalogue

__all__ = [
    "Confidence",
    "Device",
    "DeviceKind",
    "Grid",
    "HardwareCatalogue",
    "Precision",
    "Price",
    "Pue",
    "load_catalogue",
]
