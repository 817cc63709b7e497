"""Claims about the names of clusters."""

from jobs.segmentation.naming import behaviour_labels, taste_labels

FEATURES = ("recency_days", "tenure_days", "active_days", "monetary")


def names(*centroids: tuple[float, ...]) -> list[str]:
    return [label.name for label in behaviour_labels(FEATURES, centroids, (1.5, 3.0, 2.0, 1.0), (1.0, 0.5, 0.8, 0.6))]


def test_state_and_money_make_the_name() -> None:
    assert names((-0.5, 0.3, 1.0, 1.2), (1.4, 0.3, 0.0, 0.1), (-0.9, -1.6, 0.0, -0.4), (0.0, 0.3, 0.0, -1.4)) == [
        "Active top buyers",
        "Lapsed regular buyers",
        "New occasional buyers",
        "Active browsers",
    ]


def test_nobody_is_active_who_has_been_away_for_a_month() -> None:
    asleep = behaviour_labels(FEATURES, ((-0.5, 0.3, 1.0, 1.2), (-0.5, -1.6, 0.0, -1.6)), (4.5, 4.6, 2.0, 1.0), (0.5, 0.5, 0.8, 0.6))
    assert [label.name for label in asleep] == ["Lapsed top buyers", "Lapsed browsers"]
    assert asleep[0].meaning.startswith("Typically last seen 69 days ago")


def test_namesakes_are_told_apart_by_what_differs_most() -> None:
    assert names((0.0, 0.0, 1.5, 0.2), (0.0, 0.1, -0.5, 0.1)) == [
        "Active regular buyers, visiting more",
        "Active regular buyers, visiting less",
    ]


def test_three_namesakes_have_three_names_in_any_order() -> None:
    rows = [(0.0, 0.0, 1.5, 0.2), (0.0, 0.1, -0.5, 0.1), (0.4, 0.1, -0.6, 0.1)]
    found = dict(zip(rows, names(*rows), strict=True))
    assert len(set(found.values())) == 3
    assert dict(zip(rows[::-1], names(*rows[::-1]), strict=True)) == found


def test_identical_clusters_still_have_names_of_their_own() -> None:
    assert len(set(names((0.0, 0.0, 0.0, 0.2), (0.0, 0.0, 0.0, 0.2)))) == 2


def test_tastes_are_named_by_what_they_like_more_than_others() -> None:
    labels = taste_labels(("books", "tea", "toys"), ((0.9, 0.1, 0.1), (0.1, 0.7, 0.6)), (0.5, 0.4, 0.35))
    assert [label.name for label in labels] == ["Likes books", "Likes tea and toys"]


def test_tastes_of_the_same_leading_category_are_told_apart() -> None:
    labels = taste_labels(("books", "tea", "toys"), ((0.9, 0.3, 0.0), (0.9, 0.0, 0.3)), (0.2, 0.1, 0.1))
    assert [label.name for label in labels] == ["Likes books and tea", "Likes books and toys"]
