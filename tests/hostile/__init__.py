"""A Prometheus that does everything wrong: a proxy with faults, a table of them, and the tests made of it."""
