"""Settings: frozen, typed, declared once; only this package and the command line read the environment."""

from sci_batch.settings.connection import http_settings, push_settings
from sci_batch.settings.factors import Spec
from sci_batch.settings.loading import CLOCK_VARIABLE, CONFIG_VARIABLE, OPTIONS, Command, Loaded, load
from sci_batch.settings.option import Option
from sci_batch.settings.table import Settings
from sci_batch.settings.time_range import settle_of, windows_of
from sci_batch.settings.values import Output
from sci_batch.settings.work import FunctionalUnit

__all__ = [
    "CLOCK_VARIABLE",
    "CONFIG_VARIABLE",
    "OPTIONS",
    "Command",
    "FunctionalUnit",
    "Loaded",
    "Option",
    "Output",
    "Settings",
    "Spec",
    "http_settings",
    "load",
    "push_settings",
    "settle_of",
    "windows_of",
]
