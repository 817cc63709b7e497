"""Every setting of a deployment, read once from the environment and frozen.

A deployment serves one shop. Variables begin with ``TRADEWIND_``; the file named by ``TRADEWIND_ENV_FILE`` (the embedded stack writes
one, mode 0600) is read below the environment. A variable that is not declared here is an error, never a default.
"""

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlparse

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.errors import SettingsError
from jobs.recommender.house_rules import NO_RULES, HouseRules
from jobs.sources.source import FeedName
from jobs.strength import weak

PREFIX = "TRADEWIND_"
ENV_FILE_VARIABLE = "TRADEWIND_ENV_FILE"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Settings(BaseSettings):
    """The settings of one deployment; raises ``pydantic.ValidationError`` that names each missing or unknown one."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    shop: str = Field(default="synthetic", pattern=r"^[a-z][a-z0-9_]{1,40}$", description="Name of the shop that this deployment serves.")
    source: str = Field(
        default="synthetic", pattern=r"^[a-z][a-z0-9_]{1,40}$", description="Source of jobs/sources that the shop's files come in."
    )
    optional_feeds: dict[FeedName, date] = Field(
        default={},
        description='Optional feeds of that source that the shop sends, each with its first landed day, as JSON: {"stock": "2026-03-01"}.',
    )

    bucket: str = Field(default="tradewind", description="Bucket of the landing zone, the lake, the exports and the releases.")
    s3_endpoint: str | None = Field(default=None, description="Address of the object store; empty for AWS itself.")
    s3_region: str = Field(default="us-east-1", description="Region that requests are signed for.")
    s3_access_key: SecretStr | None = Field(default=None, description="Access key; empty to use the machine's role.")
    s3_secret_key: SecretStr | None = Field(default=None, description="Secret key; empty to use the machine's role.")
    export_bucket: str | None = Field(
        default=None, description="Bucket of exports, releases and pages, for readers who may see nothing else; empty for the shop's own."
    )
    export_s3_access_key: SecretStr | None = Field(default=None, description="Access key that may write there; empty for the shop's own.")
    export_s3_secret_key: SecretStr | None = Field(default=None, description="Its secret key.")

    catalog_uri: str = Field(
        pattern=r"^(jdbc:|https?://|glue$)",
        description="The Iceberg catalog: jdbc:postgresql://host:port/lake, the address of a REST catalog, or glue.",
    )
    catalog_user: str | None = Field(default=None, description="User of the catalog's database, or client of a REST catalog (OAuth 2).")
    catalog_password: SecretStr | None = Field(default=None, description="Its password or secret.")
    catalog_properties: dict[str, str] = Field(
        default={},
        description='Further properties of the Iceberg catalog, as JSON: {"warehouse": "shop", "scope": "PRINCIPAL_ROLE:ALL"}.',
    )

    mart_uri: str | None = Field(
        default=None, pattern=r"^postgresql://", description="Address of the BI mart, postgresql://host:port/database; empty for none."
    )
    mart_user: str | None = Field(default=None, description="User that owns the mart.")
    mart_password: SecretStr | None = Field(default=None, description="Password of that user.")
    mart_reader: str | None = Field(default=None, description="Role that may read the mart, and nothing else.")

    mlflow_tracking_uri: str = Field(description="Address of the MLflow server.")
    mlflow_username: str | None = Field(default=None, description="User of the MLflow server, when it asks for one.")
    mlflow_password: SecretStr | None = Field(default=None, description="Password of that user.")

    pages_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Address of what serves the bucket's pages/ prefix; empty where nothing does."
    )

    pseudonym_key: SecretStr = Field(min_length=32, description="Key of the HMAC that makes pseudonyms of user ids.")

    spark_master: str = Field(default="local[*]", description="Spark master that jobs started outside Airflow use.")
    spark_driver_memory: str = Field(default="3g", description="Heap of a Spark driver; in local mode that is all of Spark.")
    spark_shuffle_partitions: int = Field(
        default=4, ge=1, description="Partitions after a shuffle, before adaptive execution joins small ones."
    )
    jars_dir: Path | None = Field(default=None, description="Folder of the jars; empty where the cluster has them on its class path.")
    scratch_uri: str = Field(
        default="file:///var/tmp/tradewind",
        description="Place that driver and executors share while a model is fitted: a folder, on a cluster one that all machines mount, or "
        "s3://<bucket>/scratch of the shop's own bucket.",
    )

    dags_cron: Literal["on", "off"] = Field(default="on", description="Whether DAGs run by the clock; off where a shop's days are past.")

    anomalies_stop: Literal["on", "off"] = Field(
        default="on", description="Whether a critical anomaly stops a task before it publishes; off records it and goes on."
    )

    recommender_trials: int = Field(
        default=5, ge=1, le=500, description="Candidates that a training of the recommender tries: declared ones, then proposed ones."
    )

    recommender_rules: HouseRules = Field(
        default=NO_RULES,
        description="Rules of the shop for its recommendations, as JSON (docs/recommender.md): blocked categories, "
        "caps, diversity, boosts.",
    )

    tags_file: Path | None = Field(default=None, description="A file of the shop's own tags, beside those of the platform (docs/tags.md).")

    max_lateness_days: int = Field(default=3, ge=0, le=30, description="Days after an event's own day on which it may still land.")
    raw_retention_days: int | None = Field(
        default=400, ge=1, description="Days for which raw text is kept, counted from the newest day in bronze; 'keep' keeps all."
    )
    snapshot_retention_days: int = Field(default=7, ge=1, description="Days for which every published state of a table can be read.")
    set_retention_days: int = Field(
        default=90, ge=1, le=400, description="Days for which a recorded set can be read that neither a release nor a champion names."
    )
    stale_branch_hours: int = Field(default=24, ge=1, description="Age at which the branch of an attempt that died is swept.")
    orphan_days: int = Field(default=3, ge=3, description="Age at which a file that no snapshot names, or a cut-off upload, is swept.")
    compact_min_files: int = Field(default=5, ge=2, description="Small files of one partition, or manifests of a table, that are joined.")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings; raises SettingsError that names each missing, malformed or unknown variable, but not its value."""
        env = dict(os.environ if environ is None else environ)
        values: dict[str, Any] = {}
        env_file = env.pop(ENV_FILE_VARIABLE, None)
        if env_file:
            values |= _parse(Path(env_file).read_text(encoding="utf-8"))
        values |= {name: value for name, value in env.items() if name.startswith(PREFIX)}
        try:
            return cls(**{name.removeprefix(PREFIX).lower(): value for name, value in values.items()})
        except ValidationError as error:
            wrong = [f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" if e["loc"] else e["msg"] for e in error.errors()]
            advice = f"Set them, or name the shop's file of settings: {ENV_FILE_VARIABLE}=.local/shops/<shop>/tradewind.env."
            raise SettingsError(
                "settings", expected="every required variable and no unknown one", found="; ".join(wrong), advice=advice
            ) from None

    @property
    def bucket_of_exports(self) -> str:
        """Where exports, releases and pages lie."""
        return self.export_bucket or self.bucket

    @property
    def scratch_is_in_store(self) -> bool:
        """Whether ``scratch_uri`` names the shop's bucket."""
        return self.scratch_uri.startswith("s3:")

    @property
    def scratch_folder(self) -> Path | None:
        """The folder that ``scratch_uri`` names; None where it is no folder of a file system that this machine mounts."""
        place = urlparse(self.scratch_uri)
        return Path(place.path) if place.scheme in {"", "file"} else None

    def optional_feeds_of(self, source: str) -> dict[FeedName, date]:
        """``optional_feeds`` where ``source`` is the one that the shop's files come in; none of another."""
        return self.optional_feeds if source == self.source else {}

    @field_validator("recommender_rules", mode="before")
    @classmethod
    def _rules_are_json(cls, value: object) -> object:
        return HouseRules.model_validate_json(value) if isinstance(value, str) else value

    @field_validator("optional_feeds", mode="before")
    @classmethod
    def _feeds_are_json(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("catalog_properties", mode="before")
    @classmethod
    def _properties_are_json(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("raw_retention_days", mode="before")
    @classmethod
    def _keep_is_no_number(cls, value: object) -> object:
        return None if value == "keep" else value

    @model_validator(mode="after")
    def _scratch_is_in_the_shops_bucket(self) -> Self:
        own = f"s3://{self.bucket}/scratch"
        if self.scratch_is_in_store and self.scratch_uri != own:
            message = f"in the object store {PREFIX}SCRATCH_URI is {own}: keys of the shop's own bucket"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _keys_come_in_pairs(self) -> Self:
        if (self.s3_access_key is None) != (self.s3_secret_key is None):
            message = f"{PREFIX}S3_ACCESS_KEY and {PREFIX}S3_SECRET_KEY go together: set both, or neither to use the machine's role"
            raise ValueError(message)
        if (self.export_s3_access_key is None) != (self.export_s3_secret_key is None):
            message = f"{PREFIX}EXPORT_S3_ACCESS_KEY and {PREFIX}EXPORT_S3_SECRET_KEY go together: set both, or neither for the shop's own"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _the_catalog_has_its_login(self) -> Self:
        if (self.catalog_user is None) != (self.catalog_password is None) or (
            self.catalog_uri.startswith("jdbc:") and not self.catalog_user
        ):
            message = f"{PREFIX}CATALOG_USER and {PREFIX}CATALOG_PASSWORD go together, and a database asks for both"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _secrets_are_hard_to_guess(self) -> Self:
        """On one machine alone a weak secret does no harm; wherever an address leads elsewhere it is refused."""
        addresses = (self.s3_endpoint, self.catalog_uri.removeprefix("jdbc:"), self.mart_uri, self.mlflow_tracking_uri)
        if all(_is_on_this_machine(address) for address in addresses if address):
            return self
        secrets = {f"{PREFIX}{name.upper()}": value.get_secret_value() for name, value in self if isinstance(value, SecretStr)}
        if wrong := weak({name: value for name, value in secrets.items() if not name.endswith("_ACCESS_KEY")}):
            message = f"{'; '.join(wrong)}: outside one machine no such secret is taken"
            raise ValueError(message)
        return self


def _is_on_this_machine(address: str) -> bool:
    """Whether nothing leaves the machine for it: a loopback address, a file."""
    host = urlparse(address).hostname
    return host in LOOPBACK or (host is None and address != "glue")


def _parse(text: str) -> dict[str, str]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip().startswith(PREFIX)}
