"""Tests of sci-batch: a simulated cluster with known power, and real servers on loopback."""
