"""sci-batch: what a unit of work of this software costs the climate."""

__version__ = "0.1.0"
