"""Which counters are asked for."""

from __future__ import annotations

from sci_batch import kepler
from sci_batch.kepler import Labels


def test_gpu_counters_of_both_generations_are_told_apart() -> None:
    """Kepler 0.11 shows kepler_node_gpu_joules_total too, without a mode; it would count twice."""
    found = kepler.meters(("package",), (), Labels(renamed={}))
    for level in (kepler.CONTAINER, kepler.NODE):
        old = [meter for meter in found[kepler.LEGACY, level] if meter.power_domain == "gpu"]
        assert [meter.selector() for meter in old] == [f'kepler_{level}_gpu_joules_total{{mode!=""}}']
        plain = [meter for meter in found[kepler.LEGACY, level] if meter.power_domain != "gpu"]
        assert all("mode" not in meter.selector() for meter in plain)
