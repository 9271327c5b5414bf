"""The catalogue as tables, for the command line: rows of plain values, None where a number is unknown."""

from nassim.hardware.catalogue import HardwareCatalogue

Cell = str | float | None
Rows = list[dict[str, Cell]]


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def device_rows(catalogue: HardwareCatalogue) -> Rows:
    """Return one row a device, in the units of its data sheet; unverified numbers are named in the last column."""
    return [
        {
            "device": device.id,
            "name": device.name,
            "kind": device.kind.value,
            "year": device.year,
            "processors": device.processors,
            "fp32_tflop_per_s": _scaled(device.fp32_flop_per_s, 1e12),
            "fp16_tflop_per_s": _scaled(device.fp16_flop_per_s, 1e12),
            "tensor16_tflop_per_s": _scaled(device.tensor16_flop_per_s, 1e12),
            "memory_gb": _scaled(device.memory_bytes, 1e9),
            "bandwidth_gb_per_s": _scaled(device.bandwidth_bytes_per_s, 1e9),
            "idle_w": device.idle_w,
            "typical_w": device.typical_w,
            "max_w": device.max_w,
            "source": device.source,
            "unverified": ", ".join(sorted(device.unverified)),
        }
        for device in catalogue.devices.values()
    ]


def price_rows(catalogue: HardwareCatalogue) -> Rows:
    """Return one row a price, with USD for an hour of one device."""
    return [
        {
            "device": price.device,
            "provider": price.provider,
            "billing": price.billing,
            "usd_per_device_h": price.usd_per_device_h.value,
            "unit": price.unit,
            "date": price.date,
            "source": price.source,
            "confidence": price.confidence.value,
        }
        for price in catalogue.prices
    ]


def region_rows(catalogue: HardwareCatalogue) -> Rows:
    """Return one row a grid."""
    return [
        {
            "region": grid.id,
            "name": grid.name,
            "kind": grid.kind,
            "gco2e_per_kwh": grid.gco2e_per_kwh,
            "year": grid.year,
            "source": grid.source,
            "confidence": grid.confidence.value,
        }
        for grid in catalogue.grids.values()
    ]


def pue_rows(catalogue: HardwareCatalogue) -> Rows:
    """Return one row a data centre or provider."""
    return [
        {
            "id": pue.id,
            "name": pue.name,
            "pue": pue.pue,
            "year": pue.year,
            "source": pue.source,
            "confidence": pue.confidence.value,
        }
        for pue in catalogue.pues.values()
    ]
