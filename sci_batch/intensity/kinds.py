"""What each kind of `--intensity` gives and needs: for `sci-batch factors list` and the README."""

from __future__ import annotations

HEAD = ("kind", "argument", "gives", "needs", "offline")
KINDS = (
    ("constant", "380", "one number, gCO2e/kWh", "-", "yes"),
    ("zone", "DE, US-EGRID-SRVC", "yearly mean, shipped: countries lifecycle, USA direct", "-", "yes"),
    ("region", "aws:eu-west-1, auto", "the shipped zone of a cloud region, or of each node", "-", "yes"),
    ("file", "ci.csv, ci.parquet#DE, #auto", "our form, or the hourly CSV of Electricity Maps", "-", "yes"),
    ("prometheus", "PROMQL", "a series of your Prometheus, in gCO2e/kWh or lb/MWh by label", "-p",
     "yes: only Prometheus"),
    ("electricitymaps", "DE, auto", "hourly, average, lifecycle or direct, flow-traced",
     "SCI_BATCH_ELECTRICITYMAPS_TOKEN or ..._FILE; paying plan beyond 24 h", "cache"),
    ("uk", "national, 13, London, RG10", "half hours, average, direct; regions: forecast", "-", "cache"),
    ("energy-charts", "DE", "quarters of an hour, average; countries of Europe", "-", "cache"),
    ("carbon-aware-sdk", "URL,LOCATION", "what the SDK has; --intensity-kind says what", "a server", "cache"),
    ("watttime", "CAISO_NORTH", "5 minutes, marginal, direct; needs --intensity-kind marginal",
     "SCI_BATCH_WATTTIME_USER and ..._PASSWORD, or ..._FILE", "cache"),
)  # fmt: skip
"""Rows under `HEAD`; in the order of `loading.SOURCES`."""
FORM = (
    "Form of a file: zone,start_utc,end_utc,gco2e_per_kwh,kind,basis,estimated,source (times in ISO\n"
    "8601, UTC without an offset; kind average or marginal; basis lifecycle, direct or unknown).\n"
    "start_utc, end_utc and gco2e_per_kwh are needed."
)
