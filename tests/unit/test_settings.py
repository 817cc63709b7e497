"""Settings are read once, frozen, and refuse strangers."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.errors import SettingsError
from jobs.settings import Settings

WHOLE = {
    "TRADEWIND_CATALOG_URI": "jdbc:postgresql://127.0.0.1:1/lake",
    "TRADEWIND_CATALOG_USER": "lake",
    "TRADEWIND_CATALOG_PASSWORD": "hush-hush",
    "TRADEWIND_MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
    "TRADEWIND_PSEUDONYM_KEY": "k" * 32,
}


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
