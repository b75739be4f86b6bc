"""What the manifests ask for and the tool does not have yet. Take out what has come: a test says so."""

KEYS: tuple[str, ...] = ("settle", "log-format", "health-file")
"""Keys of `k8s/base/sci-batch.toml`."""
FLAGS: tuple[str, ...] = ("--state", "--every")
"""Flags with a value."""
SINCE: tuple[str, ...] = ("last-run",)
"""Words of `--since`; the flag is left out until then."""
COMMANDS: tuple[str, ...] = ("backfill",)
"""Read as `compute` until then."""
