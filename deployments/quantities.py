"""Quantities as Kubernetes writes them: bytes and processors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.core.model.errors import ConfigurationError

BYTES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
BYTES |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}
PROCESSORS = {"": 1.0, "m": 0.001}


def mib(quantity: str) -> float:
    """Return MiB of a size as Kubernetes writes it."""
    return _amount(quantity, BYTES, "A size such as 512Mi or 4Gi") / 2**20


def processors(quantity: str) -> float:
    """Return processors of a quantity as Kubernetes writes it, such as 500m or 2."""
    return _amount(quantity, PROCESSORS, 'Processors such as 500m or "2"')


def _amount(quantity: str, units: Mapping[str, float], expected: str) -> float:
    match = isinstance(quantity, str) and re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", quantity)
    if not match or match[2] not in units:
        raise ConfigurationError(
            f"{expected} was expected in prefect.yaml, found {quantity!r}: correct it there."
        )
    return float(match[1]) * units[match[2]]
