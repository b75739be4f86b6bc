"""Input of every kind: each reader of the tool, a few seeds, and what must hold whatever the bytes are."""
