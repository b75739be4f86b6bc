"""What the manifests ask for and the tool does not have yet. Take out what has come: a test says so."""

KEYS = ("state", "settle", "log-format", "health-file")
"""Keys of `k8s/base/sci-batch.toml`."""
VALUES = {"since": ("last-run", "4h")}
"""Values of keys that exist, and what stands for them until then."""
COMMANDS = ("backfill",)
"""Checked as `compute` until then, without the flags below."""
FLAGS = ("--every",)
