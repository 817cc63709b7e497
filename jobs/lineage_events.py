"""OpenLineage's own events, made of ours. Imports the client: only ``jobs.lineage`` imports this, and only where a transport is named."""

import atexit
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    RunFacet,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    dataset_version_dataset,
    documentation_job,
    error_message_run,
    job_type_job,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    set_producer,
    tags_run,
)

from jobs.lineage import SEVERITIES, Dataset, RunOfTask, midnight


class Events:
    """A client on the transport that the environment names."""

    def __init__(self, producer: str) -> None:
        self.producer = producer
        set_producer(producer)  # what the facets name
        self.client = OpenLineageClient()
        atexit.register(self.client.close, 5.0)  # an asynchronous transport sends the last events now or never

    def send(self, state: str, run: RunOfTask, inputs: Sequence[Dataset], outputs: Sequence[Dataset], error: str | None) -> None:
        """Send one event; whatever the transport raises goes through."""
        self.client.emit(event(self.producer, datetime.now(UTC), state, run, inputs=inputs, outputs=outputs, error=error))


def event(
    producer: str,
    happened_at: datetime,
    state: str,
    run: RunOfTask,
    *,
    inputs: Sequence[Dataset] = (),
    outputs: Sequence[Dataset] = (),
    error: str | None = None,
) -> RunEvent:
    """One run event; datasets carry what is known of them."""
    facets: dict[str, RunFacet] = {
        "parent": parent_run.ParentRunFacet(
            run=parent_run.Run(runId=run.parent_run_id), job=parent_run.Job(namespace=run.namespace, name=run.parent_job)
        ),
        "nominalTime": nominal_time_run.NominalTimeRunFacet(midnight(run.start), midnight(run.end)),
        "tags": tags_run.TagsRunFacet([tags_run.TagsRunFacetFields(key, value, "TRADEWIND") for key, value in run.tags.items()]),
    }
    if error is not None:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(message=error, programmingLanguage="PYTHON")
    job = Job(
        run.namespace,
        run.job,
        {
            "documentation": documentation_job.DocumentationJobFacet(description=run.doc),
            "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="TRADEWIND", jobType="TASK"),
        },
    )
    return RunEvent(
        eventTime=happened_at.isoformat(),
        producer=producer,
        run=Run(run.run_id, facets),
        job=job,
        eventType=RunState[state],
        inputs=[_input(one) for one in inputs],
        outputs=[_output(one) for one in outputs],
    )


def _input(one: Dataset) -> InputDataset:
    facets: dict[str, InputDatasetFacet] = {}
    if one.findings:
        facets["dataQualityMetrics"] = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            columnMetrics={}, rowCount=one.rows
        )
        facets["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            [_assertion(finding) for finding in one.findings]
        )
    return InputDataset(one.namespace, one.name, facets, facets=_facets(one))


def _output(one: Dataset) -> OutputDataset:
    facets: dict[str, OutputDatasetFacet] = {}
    if one.rows is not None:
        facets["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=one.rows)
    return OutputDataset(one.namespace, one.name, facets, facets=_facets(one))


def _facets(one: Dataset) -> dict[str, DatasetFacet]:
    facets: dict[str, DatasetFacet] = {}
    if one.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(one.version)
    if one.table is not None:
        fields = [schema_dataset.SchemaDatasetFacetFields(column.name, column.type, column.doc) for column in one.table.columns]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields)
    return facets


def _assertion(finding: Mapping[str, Any]) -> data_quality_assertions_dataset.Assertion:
    subject = finding["subject"]
    return data_quality_assertions_dataset.Assertion(
        assertion=finding["expectation"],
        success=finding["is_met"],
        column=subject if subject and "," not in subject else None,
        severity=SEVERITIES.get(finding["severity"], finding["severity"]),
        name=f"{finding['expectation']}({subject})",
        expected=finding["expected"],
        actual=_without_examples(finding["found"]),
    )


def _without_examples(found: str | None) -> str | None:
    """What an audit observed, less the values that it quotes: those may be a person's, and events leave the platform."""
    if found is None:
        return None
    return json.dumps({name: value for name, value in json.loads(found).items() if name != "partial_unexpected_list"}, sort_keys=True)
