"""Claims about the file of tags: what it may hold, and where a fault stands in it."""

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from expectations.vocabulary import CHANNELS, PURPOSES
from jobs.errors import TagsError
from jobs.segmentation.tags.declaration import Channel, Tag, own_tags, read, tags_of
from jobs.segmentation.tags.vocabulary import vocabulary

KNOWN = vocabulary()
HEAD = "format: 1\ntags:\n"


def tag(name: str = "a_tag", **lines: str) -> str:
    """A tag that is right but for what the test is about."""
    entries = {"meaning": "Has ordered.", "owner": "crm", "when": "order_count > 0"} | lines
    return f"  - name: {name}\n" + "".join(f"    {key}: {value}\n" for key, value in entries.items() if value)


def tags(*entries: str) -> tuple[Tag, ...]:
    return read("shop.yaml", HEAD + "".join(entries), KNOWN)


def refused(text: str) -> list[str]:
    with pytest.raises(TagsError) as caught:
        read("shop.yaml", text, KNOWN)
    return str(caught.value).split("\n")


def test_a_global_tag_has_a_rule_and_an_individual_one_a_list() -> None:
    rule, listed = tags(tag(), tag("b_tag", when="", users="[p1, p2]"))
    assert (rule.scope, rule.rule.condition if rule.rule else None) == ("global", "order_count > 0")
    assert (listed.scope, listed.declared.users, listed.rule) == ("individual", ("p1", "p2"), None)


def test_a_tag_is_asked_for_on_the_days_of_its_validity() -> None:
    [found] = tags(tag(valid_from="2026-06-01", valid_until="2026-07-01"))
    assert [found.is_valid_on(date(2026, month, day)) for month, day in ((5, 31), (6, 1), (6, 30), (7, 1))] == [False, True, True, False]
    assert tags(tag())[0].is_valid_on(date(1999, 1, 1))


def test_a_tag_is_an_audience_on_the_channels_that_it_names_and_on_no_other_word() -> None:
    assert [found.channels for found in tags(tag(), tag("b_tag", channels="[sms, email, sms]"))] == [(), ("email", "sms")]
    [fault] = refused(HEAD + tag(channels="[email, fax]"))
    assert fault.startswith("shop.yaml:7:23: ")
    assert all(channel in fault for channel in CHANNELS)
    assert set(get_args(Channel)) == set(CHANNELS) <= set(PURPOSES), "a channel's purpose is called as it"


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("order_cout > 1", "shop.yaml:6:11"),
        ('"order_cout > 1"', "shop.yaml:6:12"),
        ("'spend_minor > 1 and order_cout > 1'", "shop.yaml:6:32"),
        ("|\n      spend_minor > 1\n        and order_cout > 1", "shop.yaml:8:13"),
        (">-\n      spend_minor > 1\n      and order_cout > 1", "shop.yaml:8:11"),
        ("spend_minor > 1\n      and order_cout > 1", "shop.yaml:7:11"),
    ],
)
def test_a_fault_is_told_with_file_line_and_column_however_the_rule_is_written(written: str, place: str) -> None:
    [found] = refused(HEAD + tag(when=written))
    assert found == f"{place}: expected a column of gold.user_features; found order_cout. Did you mean order_count?"


def test_all_faults_of_a_file_are_told_together() -> None:
    found = refused(HEAD + tag(when="done('purchse')") + tag("b_tag", when="order_count > 'x'"))
    assert [line.partition(": ")[0] for line in found] == ["shop.yaml:6:16", "shop.yaml:10:25"]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "shop.yaml", "an empty file"),
        ("format: 2\ntags: []", "shop.yaml:1:9", "found 2"),
        ("format: 1\ntags: [", "shop.yaml:2:8", "YAML"),
        (HEAD + tag("A tag"), "shop.yaml:3:11", "tags.name"),
        (HEAD + tag(colour="red"), "shop.yaml:7:13", "tags.colour"),
        (HEAD + tag(owner=""), "shop.yaml:3:5", "tags.owner: Field required"),
        (HEAD + tag(when=""), "shop.yaml:3:5", "one of both"),
        (HEAD + tag(users="[p1]"), "shop.yaml:3:5", "one of both"),
        (HEAD + tag(valid_from="2026-07-01", valid_until="2026-07-01"), "shop.yaml:3:5", "over after it begins"),
        (HEAD + tag(valid_from="soon"), "shop.yaml:7:17", "tags.valid_from"),
        (HEAD + tag(valid_from="2026-13-45"), "shop.yaml:1", "month must be in 1..12"),
        (HEAD + tag() + tag(), "shop.yaml:7:5", "a_tag, as at shop.yaml:3:5"),
    ],
)
def test_what_is_no_file_of_tags_is_refused_with_its_place(text: str, place: str, said: str) -> None:
    [found] = refused(text)
    assert found.startswith(f"{place}: expected ")
    assert said in found


def test_a_rule_may_ask_for_every_feature_that_is_one_value() -> None:
    single = [name for name, kind in KNOWN.columns.items() if not kind.startswith("array")]
    found = tags(*[tag(f"tag_{number}", when=f"{name} IS NOT NULL") for number, name in enumerate(single)])
    assert [one.rule.columns for one in found if one.rule] == [frozenset({name}) for name in single]
    (dear,) = tags(tag(when="price_band = 'premium' AND order_overdue_ratio BETWEEN 1 AND 2 AND orders_90d > 0"))
    assert dear.rule
    assert refused(HEAD + tag(when="price_band > 1"))


def test_a_shops_own_tags_stand_beside_those_of_the_platform_and_may_not_take_their_names(tmp_path: Path) -> None:
    mine = tmp_path / "tags.yaml"
    mine.write_text(HEAD + tag())
    assert [one.name for one in tags_of(mine, KNOWN)] == [*(one.name for one in own_tags(KNOWN)), "a_tag"]
    mine.write_text(HEAD + tag("repeat_buyer"))
    with pytest.raises(TagsError, match=r"tags.yaml:3:5: expected a name of its own; found repeat_buyer, as at tags.yaml:\d+:5"):
        tags_of(mine, KNOWN)
    with pytest.raises(TagsError, match="expected a readable file of tags"):
        tags_of(tmp_path / "none.yaml", KNOWN)
