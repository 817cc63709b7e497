"""Settings are read once, frozen, and refuse strangers."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.errors import SettingsError
from jobs.session import secret_conf, static_conf
from jobs.settings import Settings

WHOLE = {
    "TRADEWIND_CATALOG_URI": "jdbc:postgresql://127.0.0.1:1/lake",
    "TRADEWIND_CATALOG_USER": "lake",
    "TRADEWIND_CATALOG_PASSWORD": "hush-hush",
    "TRADEWIND_MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
    "TRADEWIND_PSEUDONYM_KEY": "k" * 32,
}

STRONG = {"TRADEWIND_CATALOG_PASSWORD": "9b1c4e7d20f35a68", "TRADEWIND_PSEUDONYM_KEY": "0c5f1e9ab3d74826c5f1e9ab3d748260"}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tradewind.env"
    file.write_text("# a shop\n" + "\n".join(f"{k}={v}" for k, v in WHOLE.items()) + "\nTRADEWIND_SHOP=from_file\n")
    settings = Settings.from_environment({"TRADEWIND_ENV_FILE": str(file), "TRADEWIND_SHOP": "from_environment", "HOME": "ignored"})
    assert (settings.shop, settings.catalog_user) == ("from_environment", "lake")


def test_a_misspelt_variable_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match="TRADEWIND_MAX_LATENES_DAYS"):
        Settings.from_environment(WHOLE | {"TRADEWIND_MAX_LATENES_DAYS": "5"})


def test_a_missing_one_is_named_and_no_secret_is_shown() -> None:
    with pytest.raises(SettingsError, match=r"TRADEWIND_CATALOG_URI: Field required.*TRADEWIND_ENV_FILE"):
        Settings.from_environment({k: v for k, v in WHOLE.items() if k != "TRADEWIND_CATALOG_URI"})
    assert "hush-hush" not in repr(Settings.from_environment(WHOLE))


def test_half_a_pair_of_keys_is_refused() -> None:
    with pytest.raises(SettingsError, match="go together"):
        Settings.from_environment(WHOLE | {"TRADEWIND_S3_ACCESS_KEY": "only-one"})


def test_half_a_pair_of_keys_for_exports_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"EXPORT_S3_ACCESS_KEY and .* go together"):
        Settings.from_environment(WHOLE | {"TRADEWIND_EXPORT_S3_SECRET_KEY": "only-one"})


@pytest.mark.parametrize(
    ("variable", "secret", "said"),
    [
        ("TRADEWIND_CATALOG_PASSWORD", "lake", "TRADEWIND_CATALOG_PASSWORD is a word that everybody tries"),
        ("TRADEWIND_CATALOG_PASSWORD", "Password1234!", "everybody tries"),
        ("TRADEWIND_MLFLOW_PASSWORD", "8f3kd0s", "TRADEWIND_MLFLOW_PASSWORD is shorter than 16"),
        ("TRADEWIND_PSEUDONYM_KEY", "k" * 32, "TRADEWIND_PSEUDONYM_KEY has fewer than 8 different"),
        (
            "TRADEWIND_MART_PASSWORD",
            STRONG["TRADEWIND_CATALOG_PASSWORD"],
            "TRADEWIND_MART_PASSWORD is the same as TRADEWIND_CATALOG_PASSWORD",
        ),
    ],
)
def test_a_default_password_serves_on_one_machine_only(variable: str, secret: str, said: str) -> None:
    Settings.from_environment(WHOLE | {variable: secret})
    elsewhere = WHOLE | STRONG | {"TRADEWIND_CATALOG_URI": "jdbc:postgresql://db.shop.example:5432/lake"}
    Settings.from_environment(elsewhere)
    with pytest.raises(SettingsError, match=said) as refused:
        Settings.from_environment(elsewhere | {variable: secret})
    assert secret not in str(refused.value).replace(variable, "")


def test_a_catalog_is_a_database_a_rest_service_or_glue() -> None:
    database = Settings.from_environment(WHOLE)
    without = {name: value for name, value in WHOLE.items() if not name.startswith("TRADEWIND_CATALOG_")}
    rest = Settings.from_environment(
        without
        | STRONG
        | {"TRADEWIND_CATALOG_URI": "https://polaris.shop.example/api/catalog", "TRADEWIND_CATALOG_USER": "jobs"}
        | {"TRADEWIND_CATALOG_PROPERTIES": '{"warehouse": "shop", "scope": "PRINCIPAL_ROLE:ALL"}'}
    )
    key = {"TRADEWIND_PSEUDONYM_KEY": STRONG["TRADEWIND_PSEUDONYM_KEY"]}
    glue = Settings.from_environment(without | key | {"TRADEWIND_CATALOG_URI": "glue"})
    of = {"jdbc": database, "rest": rest, "glue": glue}
    for kind, settings in of.items():
        assert static_conf(settings)["spark.sql.catalog.lake.type"] == kind
    assert secret_conf(database)["spark.sql.catalog.lake.jdbc.password"] == "hush-hush"
    assert secret_conf(rest)["spark.sql.catalog.lake.credential"] == f"jobs:{STRONG['TRADEWIND_CATALOG_PASSWORD']}"
    assert static_conf(rest)["spark.sql.catalog.lake.warehouse"] == "shop"
    assert secret_conf(glue) == {}


@pytest.mark.parametrize("without", ["TRADEWIND_CATALOG_USER", "TRADEWIND_CATALOG_PASSWORD"])
def test_a_database_asks_for_user_and_password(without: str) -> None:
    with pytest.raises(SettingsError, match=r"CATALOG_USER and TRADEWIND_CATALOG_PASSWORD go together"):
        Settings.from_environment({name: value for name, value in WHOLE.items() if name != without})


def test_scratch_in_the_object_store_is_in_the_shops_own_bucket() -> None:
    with pytest.raises(SettingsError, match=r"TRADEWIND_SCRATCH_URI is s3://tradewind/scratch"):
        Settings.from_environment(WHOLE | {"TRADEWIND_SCRATCH_URI": "s3://elsewhere/scratch"})
    found = [Settings.from_environment(WHOLE | {"TRADEWIND_SCRATCH_URI": uri}) for uri in ("s3://tradewind/scratch", "file:///mnt", "/mnt")]
    assert [one.scratch_is_in_store for one in found] == [True, False, False]


def test_a_malformed_secret_is_named_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="TRADEWIND_PSEUDONYM_KEY") as raised:
        Settings.from_environment(WHOLE | {"TRADEWIND_PSEUDONYM_KEY": "too-short"})
    assert "too-short" not in str(raised.value)


def test_settings_do_not_change() -> None:
    settings = Settings.from_environment(WHOLE)
    with pytest.raises(ValidationError, match="frozen"):
        settings.shop = "other"


def test_the_rules_of_a_shop_are_json_and_a_wrong_one_is_named() -> None:
    rules = Settings.from_environment(WHOLE | {"TRADEWIND_RECOMMENDER_RULES": '{"most_a_category": 3}'}).recommender_rules
    assert (rules.most_a_category, rules.relevance_share) == (3, 1.0)
    with pytest.raises(SettingsError, match=r"TRADEWIND_RECOMMENDER_RULES\.MOST_A_CATEGROY: Extra inputs"):
        Settings.from_environment(WHOLE | {"TRADEWIND_RECOMMENDER_RULES": '{"most_a_categroy": 3}'})


def test_optional_feeds_are_json_and_concern_the_shops_own_source_alone() -> None:
    named = WHOLE | {"TRADEWIND_SOURCE": "native", "TRADEWIND_OPTIONAL_FEEDS": '{"stock": "2026-03-01"}'}
    settings = Settings.from_environment(named)
    assert settings.optional_feeds_of("native") == {"stock": date(2026, 3, 1)}
    assert settings.optional_feeds_of("rees46") == {}
    for wrong in ('{"stocks": "2026-03-01"}', '{"stock": "soon"}', "stock"):
        with pytest.raises(SettingsError, match="TRADEWIND_OPTIONAL_FEEDS"):
            Settings.from_environment(named | {"TRADEWIND_OPTIONAL_FEEDS": wrong})
