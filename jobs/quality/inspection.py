"""The quality pass of one attempt: measure what was written, hold it against the recorded past, keep both for ``ops``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from expectations.along import Along
from jobs.contract import Table
from jobs.interval import Interval
from jobs.lake import Lake
from jobs.ops.metric_states import METRIC_STATES
from jobs.quality import states
from jobs.quality.baseline import WINDOW_DAYS
from jobs.quality.day_state import DayState
from jobs.quality.drift import FULL_WINDOW_DAYS, RANKS, REFERENCE_DAYS, Grid, drifted
from jobs.quality.rules import Anomaly, judged
from jobs.quality.watches import WATCHES, Watch, judged_columns, watch_of
from jobs.tables import contract_of


@dataclass
class Inspection:
    """What one attempt measured and found. Reads the lake's recorded states once a task, and writes nothing."""

    lake: Lake
    interval: Interval
    states: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    anomalies: dict[str, list[Anomaly]] = field(default_factory=dict)

    def along(self, table: Table) -> Along:
        """What is to be asked of a table's written rows, a row for each of their days: for ``inspect``."""
        return states.along(table, states.kept(table, watch_of(table.name)), self.interval.last_day)

    def inspect(self, table: Table, rows: DataFrame, days: Collection[date], measured: Sequence[Row] | None = None) -> list[Anomaly]:
        """Measure the written ``rows`` of the partitions ``days`` and judge the days of the landing interval among them.

        Of event days only those that have just ended are judged: the day after the interval has got a few early rows, and days before were
        judged when they ended. They all leave states. In a history of many days each is held against those before it, and only the last
        one may be critical: of the others it is too late to keep anybody from anything. ``measured`` is what the rows have answered to
        ``along``, where somebody has asked them.
        """
        watch, last_day = watch_of(table.name), self.interval.last_day
        columns = states.kept(table, watch)
        if measured is None:
            measured = states.measured(rows, table, columns, last_day).collect()
        found = states.rows_of(measured, columns, days if table.partitioned_by else [last_day])
        if watch.by_category:
            found += self._of_categories(rows, table)
        self.states[table.name] = [{"table_name": table.name, **state} for state in found]
        self.anomalies[table.name] = [*self._by_rules(table.name, watch), *self._by_drift(table.name, watch)]
        return self.anomalies[table.name]

    def state_rows(self, snapshots: Mapping[str, int], *, is_published: bool) -> list[dict[str, Any]]:
        """The rows of ``ops.metric_states`` of all inspected tables; ``snapshots`` are those that were measured."""
        about = {"through_date": self.interval.last_day, "is_published": is_published, "recorded_at": datetime.now(UTC)}
        return [
            {**state, **about, "snapshot_id": snapshots[name]}
            for name, found in self.states.items()
            if name in snapshots
            for state in found
        ]

    def anomaly_rows(self) -> list[dict[str, Any]]:
        """The rows of ``ops.anomalies``."""
        return [asdict(anomaly) for found in self.anomalies.values() for anomaly in found]

    def _of_categories(self, rows: DataFrame, table: Table) -> list[dict[str, Any]]:
        """States of the category that the catalogue gave each row's item on its day, NULL where it gave none.

        By a query of its own: what a join might do to the rows is nothing that their suite should see.
        """
        day = F.col(str(table.partitioned_by))
        versions = self._looked_at(contract_of("silver.items")).select(
            F.col("item_id").alias("_item_id"), F.col("category_id"), F.col("valid_from"), F.col("valid_to")
        )
        holds = (F.col("valid_from") <= day) & (F.col("valid_to").isNull() | (F.col("valid_to") > day))
        joined = rows.join(F.broadcast(versions), (F.col("item_id") == F.col("_item_id")) & holds, "left")
        columns = (states.CATEGORY,)
        measured = states.measured(joined, table, columns, self.interval.last_day).collect()
        return [state for state in states.rows_of(measured, columns, ()) if state["column_name"]]

    def _looked_at(self, table: Table) -> DataFrame:
        """The published rows, by snapshot: what is only looked at is no input of what is built, and stays out of its lineage."""
        return self.lake.read(table, self.lake.snapshot_id(table))

    def _by_rules(self, name: str, watch: Watch) -> list[Anomaly]:
        if not watch.rules:
            return []
        days = self._days()
        measured = {state["partition_date"] for state in self.states[name]}
        found = []
        for day in (one for one in self.interval.days() if one in measured):
            found += [self._softened(anomaly) for anomaly in judged(watch.rules, name, day, days)]
        return found

    def _softened(self, anomaly: Anomaly) -> Anomaly:
        return anomaly if anomaly.partition_date == self.interval.last_day else replace(anomaly, severity="warning")

    def _days(self) -> dict[str, dict[date, DayState]]:
        """The recorded past with what this attempt has measured in its place; strays of days that are not over are left out."""
        days = {name: dict(history) for name, history in self._past.items()}
        over = [state for found in self.states.values() for state in found if state["partition_date"] <= self.interval.last_day]
        for name, fresh in states.day_states(over).items():
            days[name] = {**days.get(name, {}), **fresh}
        return days

    @cached_property
    def _past(self) -> dict[str, dict[date, DayState]]:
        """Recorded states of the window before the interval and within it, of all tables with rules."""
        first = self.interval.start - timedelta(days=WINDOW_DAYS)
        names = [name for name, watch in WATCHES.items() if watch.rules]
        over = self._looked_at(METRIC_STATES).where(F.col("through_date") >= F.col("partition_date"))
        found = states.current(over, names, first, self.interval.last_day)
        return states.day_states(found.where(F.col("column_name").isin(*sorted(judged_columns()))).select(*states.SMALL).collect())

    def _by_drift(self, name: str, watch: Watch) -> list[Anomaly]:
        """Each drifting column of the last day against earlier ones that have states and were of age."""
        day = self.interval.last_day
        fresh = [state for state in self.states[name] if state["partition_date"] == day and state["column_name"] in watch.drifting]
        if not fresh:
            return []
        wanted = [day - timedelta(days=age) for age in REFERENCE_DAYS]
        recorded = states.current(self._looked_at(METRIC_STATES), [name], min(wanted), max(wanted)).where(
            F.col("partition_date").isin(*wanted)
        )
        columns = ["table_name", "partition_date", "column_name", "row_count", "null_count", "value_max", "quantile_sketch"]
        past = [
            row.asDict() for row in recorded.where(F.col("column_name").isin(*watch.drifting, "tenure_days")).select(*columns).collect()
        ]
        of_age = {
            row["partition_date"] for row in past if row["column_name"] == "tenure_days" and (row["value_max"] or 0) >= FULL_WINDOW_DAYS
        }
        known = [row for row in past if row["partition_date"] in of_age and row["column_name"] in watch.drifting]
        if not known:
            return []
        grids = self._grids([*fresh, *known])
        found = []
        for state in known:
            now, reference = grids.get((day, state["column_name"])), grids.get((state["partition_date"], state["column_name"]))
            if now and reference:
                found.append(drifted(name, day, state["column_name"], now=now, reference=reference, reference_day=state["partition_date"]))
        return sorted((one for one in found if one is not None), key=lambda one: one.subject)

    def _grids(self, rows: list[dict[str, Any]]) -> dict[tuple[date, str], Grid]:
        names = ("table_name", "partition_date", "column_name", "row_count", "null_count", "quantile_sketch")
        schema = "table_name string, partition_date date, column_name string, row_count bigint, null_count bigint, quantile_sketch binary"
        frame = self.lake.spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)
        counts = {(row["partition_date"], row["column_name"]): row["row_count"] - (row["null_count"] or 0) for row in rows}
        read = states.quantiles(frame, RANKS).collect()
        places = {(row["partition_date"], row["column_name"]): row["quantiles"] for row in read}
        return {place: Grid(values, counts[place]) for place, values in places.items()}
