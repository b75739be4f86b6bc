"""Every kind of input by name: who judges it, and good inputs to start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.fuzz import answers, remote, seeds, tables, words


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of input."""

    judge: Callable[[bytes], None]
    """Raises on a finding: anything but an answer or a refusal with a cure."""
    seeds: Callable[[], Sequence[bytes]]


TARGETS: Mapping[str, Target] = {
    "durations": Target(words.durations, lambda: seeds.DURATIONS),
    "times": Target(words.times, lambda: seeds.TIMES),
    "zones": Target(words.zones, lambda: seeds.ZONES),
    "numbers": Target(words.numbers, lambda: seeds.NUMBERS),
    "intensities": Target(words.intensities, lambda: seeds.INTENSITIES),
    "units-of-work": Target(words.units_of_work, lambda: seeds.UNITS_OF_WORK),
    "limits": Target(words.limits, lambda: seeds.LIMITS),
    "outputs": Target(words.outputs, lambda: seeds.OUTPUTS),
    "words": Target(words.words, lambda: seeds.WORDS),
    "headers": Target(words.headers, lambda: seeds.HEADERS),
    "intensity-csv": Target(tables.intensity_csv, seeds.intensity_csv),
    "intensity-parquet": Target(tables.intensity_parquet, seeds.intensity_parquet),
    "embodied-csv": Target(tables.embodied_csv, seeds.embodied_csv),
    "embodied-toml": Target(tables.embodied_toml, seeds.embodied_toml),
    "units-csv": Target(tables.units_csv, seeds.units_csv),
    "units-parquet": Target(tables.units_parquet, seeds.units_parquet),
    "stored-result": Target(tables.stored_result, seeds.stored_result),
    "day-of-data-set": Target(tables.day_of_data_set, seeds.day_of_data_set),
    "settings-toml": Target(tables.settings_toml, seeds.settings_toml),
    "prometheus-json": Target(answers.prometheus_json, lambda: seeds.PROMETHEUS),
    "remote-read": Target(remote.stream, remote.streams),
    "remote-read-frame": Target(remote.frame, remote.frames),
    "xor-chunk": Target(remote.chunk, remote.chunks),
    "refusals": Target(answers.refusals, lambda: seeds.REFUSALS),
    "recording": Target(answers.recording, seeds.recording),
    "state": Target(answers.state, lambda: seeds.STATES),
    "manifests": Target(answers.manifests, seeds.manifests),
    "http-configuration": Target(answers.http_configuration, lambda: seeds.HTTP),
}
