"""Devices, prices, grids and data centres: data files, each number with its source, and the look-up in them."""

from nassim.hardware.catalogue.entries import Confidence, Device, DeviceKind, Grid, Precision, Price, Pue
from nassim.hardware.catalogue.finding import Catalogue, load_catalogue

__all__ = ["Catalogue", "Confidence", "Device", "DeviceKind", "Grid", "Precision", "Price", "Pue", "load_catalogue"]
