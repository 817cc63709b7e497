"""Tags: those that a committed release needs are there, those of sets and dead publishers that had their time go.

Releases come first: what a release names is tagged, without an end, before a tag that spares it now is dropped and before anything
expires. So a crash at any point leaves a release whole.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.lake import RELEASE_TAG, SET_TAG, Lake, tag_of
from jobs.maintenance.going import Going
from jobs.maintenance.history import History, Snapshot
from jobs.release.record import Release

PART = "tags"


@dataclass(frozen=True)
class Named:
    """What must stay readable: snapshots by release tag, the sets of releases and of champions, the tags of publishers at work."""

    releases: Mapping[str, Mapping[str, int]]
    """Release tag -> table -> snapshot id, of every committed release; a withdrawal shares the tag of the release that it shows."""
    set_tags: Collection[str]
    publishing: Collection[str]

    @classmethod
    def of(cls, releases: Sequence[Release], champion_sets: Collection[str], publishing: Collection[str]) -> "Named":
        """From the committed releases, the ids of sets that a champion was trained on, the ids of releases that are being published."""
        return cls(
            {tag_of(RELEASE_TAG, release.origin): release.content.snapshots() for release in releases},
            {tag_of(SET_TAG, set_id) for set_id in {*(release.content.set.id for release in releases), *champion_sets}},
            {tag_of(RELEASE_TAG, release_id) for release_id in publishing},
        )


def missing(history: History, named: Named, floor: Snapshot | None) -> dict[str, int]:
    """Tag -> snapshot id that a committed release needs and this table lacks; what holds expired raw text is left out."""
    there = set(history.tags(RELEASE_TAG).values())
    wanted = {tag: snapshots[history.table] for tag, snapshots in named.releases.items() if history.table in snapshots}
    return {
        tag: snapshot_id
        for tag, snapshot_id in sorted(wanted.items())
        if snapshot_id in history.snapshots and snapshot_id not in there and not is_below(history.snapshots[snapshot_id], floor)
    }


def is_below(snapshot: Snapshot, floor: Snapshot | None) -> bool:
    """Whether a snapshot is older than the one that took expired raw text out of the table, so that it still holds that text."""
    return floor is not None and snapshot.committed_at <= floor.committed_at and snapshot.id != floor.id


def plan(histories: Sequence[History], named: Named, older_than: datetime, floors: Mapping[str, Snapshot]) -> list[Going]:
    """Tags that may go: of old sets that nobody names, of publishers that died, and whatever holds raw text whose retention has ended.

    A set is as old as its newest snapshot over all tables. The newest set stays whatever its age: the next training reads it.
    """
    ages: dict[str, datetime] = {}
    for history in histories:
        for tag, snapshot_id in history.tags(SET_TAG).items():
            committed_at = history.snapshots[snapshot_id].committed_at
            ages[tag] = max(committed_at, ages.get(tag, committed_at))
    newest = max(ages, default=None)
    old = {tag for tag, age in ages.items() if age < older_than and tag not in named.set_tags and tag != newest}
    found = []
    for history in histories:
        floor = floors.get(history.table)
        sets, releases = history.tags(SET_TAG), history.tags(RELEASE_TAG)
        dead = [tag for tag in releases if tag not in named.releases and tag not in named.publishing]
        raw = [tag for tag, snapshot_id in {**sets, **releases}.items() if is_below(history.snapshots[snapshot_id], floor)]
        groups = {
            f"sets before {older_than:%Y-%m-%d} that no release and no champion names": [
                tag for tag in sets if tag in old and tag not in raw
            ],
            "of publishers that died before their commit": [tag for tag in dead if tag not in raw],
            "they hold raw text whose retention has ended": raw,
        }
        found += [Going(PART, history.table, "tag", tuple(sorted(tags)), reason) for reason, tags in groups.items() if tags]
    return found


def after(history: History, going: Sequence[Going], added: Mapping[str, int]) -> History:
    """The history as it is once the plan is executed: what a dry run plans the next part on."""
    dropped = frozenset(name for one in going if one.subject == history.table for name in one.names)
    return history.with_tags(dropped=dropped, added=added)


def execute(lake: Lake, going: Sequence[Going], added: Mapping[str, Mapping[str, int]]) -> None:
    """Add the tags that releases need (table -> tag -> snapshot id), then drop those of the plan."""
    for table, tags in added.items():
        for tag, snapshot_id in tags.items():
            lake.tag(table, tag, snapshot_id)
    for one in going:
        for tag in one.names:
            lake.drop_tag(one.subject, tag)
