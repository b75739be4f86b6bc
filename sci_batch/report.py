"""What a run hands to the outputs: rows, totals, and where the numbers come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sci_batch.result import Result
from sci_batch.schema import Column, result_columns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTotal:
    """R and SCI of all rows for one functional unit."""

    name: str
    functional_units: float | None
    sci_gco2e_per_unit: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsoTotal:
    """O of all rows by a grid intensity beside the chosen one (`--also-intensity`)."""

    source: str
    """`kind:argument`."""
    kind: str
    """average or marginal, the same as of the chosen one."""
    basis: str
    """lifecycle, direct, mixed or unknown."""
    sources: str
    """What its figures come from, fallbacks included."""
    operational_gco2e: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the rows of the result, and the books of all nodes. Unknown is None, never 0."""

    rows: int
    energy_kwh: float | None
    operational_gco2e: float | None
    embodied_gco2e: float | None
    carbon_gco2e: float | None
    functional_units: float | None
    """Sum of R of the first functional unit, each count once, however many rows share it."""
    sci_gco2e_per_unit: float | None
    """Ratio of sums: carbon / functional units (ISO/IEC 21031; never a mean of ratios)."""
    coverage: float
    """Energy-weighted mean over the rows, times the share of the time in which any node was seen, 0..1."""
    node_energy_kwh: float | None
    """What the meters of all nodes showed; None when no node shows its own counters."""
    pods_kwh: float | None
    """What Kepler attributes to all pods, selected or not."""
    unattributed_kwh: float | None
    """Node energy of no pod."""
    residual_kwh: float | None
    """Node energy - pods - unattributed: 0 in closed books, negative when pods exceed their node."""
    open_books: int
    """Node-windows whose books do not close to 1e-9."""
    books: int
    """Node-windows looked at."""
    not_shown_kwh: float | None = None
    """Energy of rows that `--namespace` leaves out, and of what `--unattributed drop` drops."""
    not_shown_by: tuple[str, ...] = ()
    """Which of the two hide energy here."""
    units: tuple[UnitTotal, ...] = ()
    """R and SCI of every functional unit; the first one's are the two fields above as well."""
    also: tuple[AlsoTotal, ...] = ()
    """O by the intensities beside the chosen one; not in C."""

    def of_unit(self, number: int) -> tuple[float | None, float | None]:
        """R and SCI of the unit with that number, from 0."""
        if number == 0:
            return self.functional_units, self.sci_gco2e_per_unit
        return self.units[number].functional_units, self.units[number].sci_gco2e_per_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How the numbers were made: enough to make them again."""

    tool_version: str
    fingerprint: str
    """Hash of `method`: results with different fingerprints are not comparable. Several are joined by `+`."""
    method: dict[str, Any]
    """Every choice that changes numbers; of several methods, the newest run's."""
    source: str
    """Server (without login) or snapshot."""
    start: str
    """RFC 3339, UTC, inclusive."""
    end: str
    """RFC 3339, UTC, exclusive."""
    window: str
    tz: str
    group_by: tuple[str, ...]
    functional_unit: str | None
    """Name of the (first) unit of work, None when none was given."""
    queries: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """Words for the user about the whole run."""
    further_units: tuple[str, ...] = ()
    """Names of the other units of work, in the order of their columns."""

    also_intensity: tuple[str, ...] = ()
    """Grid intensities beside the chosen one, in the order of their columns."""

    known: tuple[str, ...] = ()
    """Columns of `schema.WHERE_KNOWN` that this result has."""

    namespace: tuple[str, ...] = ()
    """What `--namespace` selected; all of them without it."""

    hardware: tuple[dict[str, Any], ...] = ()
    """Kinds of nodes (`embodied.kinds`): what they are, TE, EL and names; none of a CSV file."""

    intensity_digest: str = ""
    """Of the content of a file of `--intensity`. Not in the method: a series that grows by a day is no other
    method."""

    cluster: str = ""
    """Value of `--cluster-label`, which tells published results apart; empty without it."""

    @property
    def methods(self) -> tuple[str, ...]:
        """Fingerprints of the methods that made the rows: more than one where runs were put together."""
        return tuple(self.fingerprint.split("+"))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the result."""
        return result_columns(self.group_by, self.further_units, self.also_intensity, self.known)

    @property
    def units(self) -> tuple[str, ...]:
        """Names of all units of work."""
        return () if self.functional_unit is None else (self.functional_unit, *self.further_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """RESULT (columns: `schema.result_columns`), its totals and its provenance."""

    rows: Result
    totals: Totals
    provenance: Provenance
    flag_counts: dict[str, int] = field(default_factory=dict)
    """Rows per flag, most frequent first."""
    days: dict[str, Totals] = field(default_factory=dict)
    """Totals of each day in UTC in which windows start, such as `2026-03-01`; none where it is one day, and
    in what was stored."""
    seen_end_ms: int | None = None
    """End of the newest window in which Kepler was seen on any node [Unix ms]; None in what was stored."""

    @property
    def result(self) -> pd.DataFrame:
        """All rows in one frame, for whoever needs them at once."""
        return self.rows.whole()
