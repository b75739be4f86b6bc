"""Headings of the help, and which commands take which options."""

from __future__ import annotations

SOURCE, CONNECTION, TIME, SELECTION = "Source", "Connection", "Time", "Selection"
ENERGY, CARBON, SCORE, OUTPUT, CHECKS, TERMINAL = "Energy", "Carbon", "Score", "Output", "Checks", "Terminal"
PUBLISHING, SCHEDULE = "Publishing", "Schedule"

COMPUTING = ("compute", "backfill", "doctor", "explain")
"""The others take the flags of `compute`, so that the same command line can be checked and explained."""
OF_STORED = ("push", "report")
WHAT_IF = ("what-if",)
CHANGES = ("diff", *WHAT_IF)
GATED = (*COMPUTING, "diff")
OF_PUBLISHING = (*COMPUTING, *OF_STORED)
WRITING = (*OF_PUBLISHING, *CHANGES)
FILES = (*COMPUTING, "report", *CHANGES)
ALL = (*COMPUTING, "record", "queries", *OF_STORED)
EVERY = (*ALL, *CHANGES)
PLACES = (*COMPUTING, "record", "queries", *WHAT_IF)
