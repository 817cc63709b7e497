"""MLflow, and the only module that imports it: runs, inputs, figures, models, and who is champion.

One experiment and one registered model a family, both named ``<shop>.<family>``. A training is a parent run, each candidate a child run.
Readers ask for the alias ``champion`` or for a version by number; nothing here knows a newest one.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version as installed_version
from pathlib import Path

# Read by mlflow while it is imported: no progress bars in task logs, and requirements are given, never inferred.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")

import mlflow
import mlflow.pyfunc
import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.models import Model, infer_signature
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST, ErrorCode

from jobs.catalog import LAKE
from jobs.errors import BadDataError, TryAgainError
from jobs.estimate import Estimate, flat
from jobs.settings import Settings

CHAMPION = "champion"
"""Alias of the version that serves."""

PREVIOUS, NO_VERSION = "previous_champion", "none"
"""Tag of a champion: the version that served before it, or that none did."""

AWAITS_APPROVAL = "awaits_approval"
"""Tag of a version that has passed its gate and that a person has not approved; the value is the gate's reason."""

RIVAL = "rival_version"
"""Tag of a training's run: the champion that its candidate was compared with."""

VIEW = "tradewind"
"""The saved view of an experiment: its page with ``?viewStateShareKey=`` and this."""

TAG = "tradewind."
"""Prefix of our tags on runs and model versions."""

PROJECT_RUN = "MLFLOW_RUN_ID"
"""Variable by which ``mlflow run`` announces the run that it made for the entry point."""


@dataclass(frozen=True)
class Run:
    """An open run; what is logged goes to this run, whichever is innermost."""

    run_id: str
    experiment_id: str

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record parameters; raises ``MlflowException`` when one changes its value within the run."""
        mlflow.MlflowClient().log_batch(self.run_id, params=[Param(name, str(value)) for name, value in params.items()])

    def log_metrics(self, metrics: Mapping[str, Estimate | float], step: int = 0) -> None:
        """Record figures; an estimate as ``name``, ``name_low`` and ``name_high``."""
        timestamp = int(pd.Timestamp.now("UTC").timestamp() * 1000)
        mlflow.MlflowClient().log_batch(self.run_id, [Metric(name, value, timestamp, step) for name, value in flat(metrics).items()])

    def log_inputs(self, snapshots: Mapping[str, int], purpose: str = "training") -> None:
        """Record the lake tables that were read, table name -> Iceberg snapshot id."""
        inputs = [
            DatasetInput(
                Dataset(
                    name=table,
                    digest=str(snapshot_id),
                    source_type="iceberg",
                    source=json.dumps({"uri": f"iceberg://{LAKE}/{table}@{snapshot_id}"}),
                ),
                [InputTag("mlflow.data.context", purpose)],
            )
            for table, snapshot_id in sorted(snapshots.items())
        ]
        mlflow.MlflowClient().log_inputs(self.run_id, inputs)

    def log_figure(self, figure: Figure, name: str) -> None:
        """Keep a figure as ``plots/<name>.png``."""
        mlflow.MlflowClient().log_figure(self.run_id, figure, f"plots/{name}.png")

    def log_text(self, text: str, path: str) -> None:
        """Keep a text, under ``path``."""
        mlflow.MlflowClient().log_text(self.run_id, text, path)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set our tags; the prefix is added."""
        for name, value in tags.items():
            mlflow.MlflowClient().set_tag(self.run_id, f"{TAG}{name}", value)

    @property
    def address(self) -> str | None:
        """The run's page; None where MLflow is no server."""
        uri = mlflow.get_tracking_uri()
        return f"{uri}/#/experiments/{self.experiment_id}/runs/{self.run_id}" if uri.startswith("http") else None

    @contextmanager
    def child(self, name: str) -> Iterator["Run"]:
        """A candidate's run inside this one; FAILED when the block raises."""
        with mlflow.start_run(experiment_id=self.experiment_id, run_name=name, nested=True, parent_run_id=self.run_id) as active:
            yield Run(active.info.run_id, self.experiment_id)


@dataclass(frozen=True)
class ModelVersion:
    """A registered version: what it was trained on, why it serves, and how to get it."""

    name: str
    version: str
    run_id: str
    reason: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    @property
    def uri(self) -> str:
        """Its address in the registry, by number."""
        return f"models:/{self.name}/{self.version}"

    def download(self, dest: Path) -> Path:
        """Copy the model below ``dest``, file by file; returns the folder that was given to ``log_model`` as ``data``."""
        dest.mkdir(parents=True, exist_ok=True)
        root = Path(mlflow.artifacts.download_artifacts(artifact_uri=self.uri, dst_path=str(dest)))
        return root / str(Model.load(str(root)).flavors[mlflow.pyfunc.FLAVOR_NAME]["data"])


Champion = ModelVersion


@dataclass(frozen=True)
class Recorded:
    """What a training left in its run: our tags, its figures and parameters, the snapshots of the tables that it read."""

    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    snapshots: Mapping[str, int]


@dataclass(frozen=True)
class Trained:
    """A registered version with the run that made it: whose run of the scheduler it was, and which days of which snapshots it read.

    ``address`` is the run's page; None where MLflow is no server. ``is_champion`` says whether the version serves now.
    """

    version: ModelVersion
    experiment_id: str
    run_name: str
    status: str
    scheduler_run_id: str | None
    attempt: str | None
    code_version: str | None
    as_of_date: str | None
    window: tuple[str, str] | None
    snapshots: Mapping[str, int]
    is_champion: bool
    address: str | None


def _view(columns: Sequence[str]) -> str:
    """The state of MLflow's table of runs, as its button for sharing a view keeps it: trainings without their candidates, newest first."""
    named = [f"{kind}.`{name}`" for kind, _, name in (column.partition(".") for column in columns)]
    shown = {"selectedColumns": named, "searchFilter": f"tags.`{TAG}run_id` LIKE '%'", "startTime": "ALL", "lifecycleFilter": "Active"}
    order = {"orderByKey": "attributes.`start_time`", "orderByAsc": False}
    unused = {"datasetsFilter": [], "modelVersionFilter": "All Runs", "runsExpanded": {}, "runsPinned": [], "runsHidden": []}
    return json.dumps(shown | order | unused)


@dataclass(frozen=True)
class Tracker:
    """One shop's experiments and models on one MLflow server."""

    shop: str

    def name(self, family: str) -> str:
        """Name of the family's experiment and registered model."""
        return f"{self.shop}.{family}"

    @contextmanager
    def training(
        self,
        family: str,
        *,
        run_id: str,
        attempt: int,
        code_version: str,
        as_of: date,
        window: tuple[date, date] | None = None,
        columns: Sequence[str] = (),
    ) -> Iterator[Run]:
        """The parent run of a training; FAILED when the block raises.

        ``run_id`` and ``attempt`` are the scheduler's; ``window`` is the first and last event day that was read.
        ``columns`` (``metrics.``, ``params.`` or ``tags.`` and a name) are what the saved view of all trainings shows, ``VIEW``.
        """
        experiment_id = mlflow.set_experiment(self.name(family)).experiment_id
        if columns:
            mlflow.MlflowClient().set_experiment_tag(experiment_id, f"mlflow.sharedViewState.{VIEW}", _view(columns))
        tags = {
            f"{TAG}run_id": run_id,
            f"{TAG}attempt": str(attempt),
            f"{TAG}code_version": code_version,
            f"{TAG}as_of_date": as_of.isoformat(),
        }
        if window:
            tags |= {f"{TAG}window_start": window[0].isoformat(), f"{TAG}window_last_day": window[1].isoformat()}
        if project_run := os.environ.pop(PROJECT_RUN, None):
            # `mlflow run` opens a run of its own in its own experiment; left in the environment, ours would be written into it.
            tags[f"{TAG}project_run_id"] = project_run
        with mlflow.start_run(experiment_id=experiment_id, run_name=f"{family} {as_of} {run_id}", tags=tags) as active:
            yield Run(active.info.run_id, experiment_id)

    def log_model(
        self,
        run: Run,
        *,
        loader: Path,
        data: Path,
        example: pd.DataFrame,
        output: pd.DataFrame,
        packages: Sequence[str],
        package: Path | None = None,
        name: str = "model",
    ) -> str:
        """Log a model that any pyfunc reader can load, without pickles; returns its address for ``register``.

        ``loader`` is one Python file that defines ``_load_pyfunc(path)``, which gets the copy of the folder ``data`` and returns an object
        with ``predict(frame)``. The file travels with the model under its own module name, so it imports nothing of ours and its name must
        be unmistakable; a loader that needs its neighbours names the folder of the ``package`` that it lies in, and that travels whole.
        ``packages`` are pinned as installed here. ``example`` and ``output`` give the signature.

        ``run`` must be the innermost open run.
        """
        info = mlflow.pyfunc.log_model(
            name=name,
            loader_module=".".join(loader.relative_to(package.parent).with_suffix("").parts) if package else loader.stem,
            code_paths=[str(package or loader)],
            data_path=str(data),
            signature=infer_signature(example, output),
            input_example=example,
            pip_requirements=[f"{package}=={installed_version(package)}" for package in ("mlflow", *packages)],
        )
        if info.run_id != run.run_id:
            message = f"the model went to run {info.run_id}, not to {run.run_id}: log it while its run is the innermost"
            raise RuntimeError(message)
        return str(info.model_uri)

    def register(self, family: str, model_uri: str, tags: Mapping[str, str] | None = None) -> str:
        """Make a logged model the family's next version; returns its number. It serves nobody until ``set_champion``."""
        prefixed = {f"{TAG}{name}": value for name, value in (tags or {}).items()}
        return str(mlflow.register_model(model_uri, self.name(family), tags=prefixed).version)

    def set_champion(self, family: str, version: str, reason: str, previous: str | None = None) -> None:
        """Let ``version`` serve; the written reason becomes its description and tag before the alias moves.

        Its tag ``previous_champion`` says where a roll-back goes: to ``previous``, or else to the version that served until now.
        """
        client = mlflow.MlflowClient()
        before = self.champion(family)
        if before is None or before.version != version:
            took_over_from = previous or (before.version if before else NO_VERSION)
            client.set_model_version_tag(self.name(family), version, f"{TAG}{PREVIOUS}", took_over_from)
        client.update_model_version(self.name(family), version, description=reason)
        client.set_model_version_tag(self.name(family), version, f"{TAG}reason", reason)
        client.set_registered_model_alias(self.name(family), CHAMPION, version)

    def no_champion(self, family: str, reason: str) -> None:
        """Let no version serve, so that the family's fallback does; ``reason`` is kept with the version that stops."""
        client, serving = mlflow.MlflowClient(), self.champion(family)
        if serving is not None:
            client.set_model_version_tag(self.name(family), serving.version, f"{TAG}stopped_because", reason)
            client.delete_registered_model_alias(self.name(family), CHAMPION)

    def recorded(self, run_id: str) -> "Recorded":
        """What a training left in its run; raises BadDataError when there is none of that name."""
        try:
            run = mlflow.MlflowClient().get_run(run_id)
        except MlflowException as error:
            if error.error_code in _NO_SUCH_VERSION:
                advice = "The page of a run shows its id."
                raise BadDataError("MLflow", expected=f"a run {run_id}", found="none", advice=advice) from error
            raise
        return Recorded(_ours(run.data.tags), dict(run.data.metrics), dict(run.data.params), _snapshots(run))

    def champion(self, family: str) -> ModelVersion | None:
        """The version that serves; None before there is one."""
        try:
            found = mlflow.MlflowClient().get_model_version_by_alias(self.name(family), CHAMPION)
        except MlflowException as error:
            if _is_absent(error) or self._is_unheard_of(family, error):
                return None
            raise
        return self.version(family, str(found.version))

    def version(self, family: str, version: str) -> ModelVersion:
        """One version by number, as a release recorded it; raises ``MlflowException`` when there is none."""
        client = mlflow.MlflowClient()
        found = client.get_model_version(self.name(family), version)
        run = client.get_run(str(found.run_id))
        return ModelVersion(
            name=self.name(family),
            version=str(found.version),
            run_id=run.info.run_id,
            reason=found.description or "",
            metrics=dict(run.data.metrics),
            tags=_ours(found.tags),
        )

    def of_run(self, family: str, run_id: str) -> ModelVersion | None:
        """The newest version that a run of the scheduler has registered; None when it registered none."""
        client = mlflow.MlflowClient()
        found = client.search_model_versions(f"name = '{self.name(family)}' and tags.`{TAG}run_id` = '{run_id}'")
        return self.version(family, max((str(one.version) for one in found), key=int)) if found else None

    def no_longer_awaits(self, family: str, version: ModelVersion) -> None:
        """Say in the training's run that its version serves by now, and take the tag ``awaits_approval`` off the version."""
        client = mlflow.MlflowClient()
        for name, value in {"is_promoted": "true", "champion_version": version.version}.items():
            client.set_tag(version.run_id, f"{TAG}{name}", value)
        client.delete_model_version_tag(self.name(family), version.version, f"{TAG}{AWAITS_APPROVAL}")

    def trained(self, family: str, version: str) -> Trained | None:
        """One version with its run, None when the registry has no such version; raises TryAgainError when MLflow does not answer."""
        try:
            found = self.version(family, version)
            run = mlflow.MlflowClient().get_run(found.run_id)
            serving = self.champion(family)
        except MlflowException as error:
            if error.error_code in _NO_SUCH_VERSION or self._is_unheard_of(family, error):
                return None
            raise TryAgainError(
                f"MLflow at {mlflow.get_tracking_uri()}",
                expected=f"an answer about {self.name(family)} version {version}",
                found=str(error),
                advice="Start the server (`make status` shows it), or name it: TRADEWIND_MLFLOW_TRACKING_URI.",
            ) from error
        tags = run.data.tags
        window = tags.get(f"{TAG}window_start"), tags.get(f"{TAG}window_last_day")
        return Trained(
            version=found,
            experiment_id=run.info.experiment_id,
            run_name=run.info.run_name or "",
            status=run.info.status,
            scheduler_run_id=tags.get(f"{TAG}run_id"),
            attempt=tags.get(f"{TAG}attempt"),
            code_version=tags.get(f"{TAG}code_version"),
            as_of_date=tags.get(f"{TAG}as_of_date"),
            window=(window[0], window[1]) if window[0] and window[1] else None,
            snapshots=_snapshots(run),
            is_champion=serving is not None and serving.version == found.version,
            address=Run(found.run_id, run.info.experiment_id).address,
        )

    def _is_unheard_of(self, family: str, error: MlflowException) -> bool:
        """Whether a server with logins refuses to speak of a model that is not there, as it does where one may not look."""
        named = f"name = '{self.name(family)}'"
        is_refused = error.error_code == ErrorCode.Name(PERMISSION_DENIED)
        return is_refused and not mlflow.MlflowClient().search_registered_models(filter_string=named)


def connect(settings: Settings) -> Tracker:
    """Point this process at the server that the settings name; credentials go through the environment, as the client wants them."""
    if settings.mlflow_username and settings.mlflow_password:
        os.environ["MLFLOW_TRACKING_USERNAME"] = settings.mlflow_username
        os.environ["MLFLOW_TRACKING_PASSWORD"] = settings.mlflow_password.get_secret_value()
    mlflow.set_tracking_uri(settings.mlflow_tracking_uri)
    mlflow.set_registry_uri(settings.mlflow_tracking_uri)
    return Tracker(settings.shop)


def champion(settings: Settings, family: str) -> ModelVersion | None:
    """The version of ``family`` that serves this shop; None before there is one."""
    return connect(settings).champion(family)


_NO_SUCH_VERSION = {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), ErrorCode.Name(INVALID_PARAMETER_VALUE)}
"""What the registry answers about a version that it does not have, or that is no number."""


def _ours(tags: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(TAG): value for name, value in tags.items() if name.startswith(TAG)}


def _snapshots(run: mlflow.entities.Run) -> dict[str, int]:
    """The lake tables that a run has read, as ``Run.log_inputs`` recorded them."""
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return {one.dataset.name: int(one.dataset.digest) for one in inputs if one.dataset.source_type == "iceberg"}


def _is_absent(error: MlflowException) -> bool:
    # A model without the alias answers INVALID_PARAMETER_VALUE, a model that does not exist RESOURCE_DOES_NOT_EXIST.
    return error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST) or (
        error.error_code == "INVALID_PARAMETER_VALUE" and f"alias {CHAMPION} not found" in error.message
    )
