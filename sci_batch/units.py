"""Exact constants. Each conversion happens in one place: J to kWh in `energy`, kg to g in `embodied`."""

from __future__ import annotations

JOULES_PER_KWH = 3_600_000
GRAMS_PER_KILOGRAM = 1_000
SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3_600
DAYS_PER_YEAR = 365
"""The year of the SCI guidance and of the Impact Framework: 4 years are 126 144 000 s (`SciEmbodied`)."""

MS_PER_SECOND = 1_000

FEWEST_UNITS, MOST_UNITS = 1e-12, 1e24
"""Bounds of R other than 0 [units of work]: beyond them sums and scores leave the numbers a computer has."""
HIGHEST_PUE = 10.0
"""No data centre comes near."""
BYTES_PER_GB = 2**30
"""Memory modules and nodes count in powers of two."""
