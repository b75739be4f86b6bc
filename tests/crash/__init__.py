"""Runs that are killed at any moment: what lies on the disk then, and what the next run makes of it."""
