"""Runs that nobody watches: where the last one ended, one at a time, long ranges in steps, health."""
