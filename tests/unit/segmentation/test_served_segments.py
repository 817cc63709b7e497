"""Claims about assigning users to clusters."""

import ast
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jobs.segmentation import served_segments
from jobs.segmentation.fitting import Search
from jobs.segmentation.served_segments import (
    FILE,
    NO_CLUSTER,
    UNKNOWN_TASTE,
    _load_pyfunc,
    behaviour_matrix,
    from_json,
    leading_categories,
    nearest,
    taste_matrix,
    typical_order,
)
from jobs.segmentation.training import fit
from tests.unit.segmentation.shoppers import SCHEMA, planted

SEARCH = Search(ks=(3, 4, 5), restarts=3, silhouette_users=500)


def rows(*users: dict[str, object]) -> pa.Table:
    zero = dict.fromkeys(SCHEMA.names, 0) | {"user_id": "u", "top_categories": []}
    return pa.Table.from_pylist([zero | user for user in users], schema=SCHEMA)


def test_a_point_between_two_centroids_goes_to_the_lower_cluster() -> None:
    assert nearest(np.array([[1.0, 5.0]]), [[0.0, 5.0], [2.0, 5.0]]).tolist() == [0]
    assert nearest(np.array([[1.0, 5.0]]), [[2.0, 5.0], [0.0, 5.0]]).tolist() == [0]


def test_behaviour_is_on_a_log_scale_and_unknown_money_counts_as_none() -> None:
    users = rows({"tenure_days": 10, "recency_days": 4, "spend_minor": 6000}, {"spend_minor": None}, {"spend_minor": -50})
    found = behaviour_matrix(users, ("active_span_days", "monetary"), monetary_basis="spend", monetary_unit=2000)
    assert np.expm1(found) == pytest.approx(np.array([[7.0, 3.0], [1.0, 0.0], [1.0, 0.0]]))


def test_taste_rows_have_length_one_and_count_only_known_categories() -> None:
    liked = [{"category_id": "a", "event_count": 9}, {"category_id": "z", "event_count": 5}, {"category_id": "b", "event_count": 16}]
    points, events = taste_matrix(rows({"top_categories": liked}, {}), ("a", "b"))
    assert points == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))
    assert events.tolist() == [25, 0]


def test_leading_categories_fall_and_equals_go_by_name() -> None:
    users = rows(
        {
            "top_categories": [
                {"category_id": "b", "event_count": 2},
                {"category_id": "a", "event_count": 2},
                {"category_id": "c", "event_count": 3},
            ]
        }
    )
    assert leading_categories(users, 2) == ("c", "a")


def test_a_typical_order_is_the_median_of_buyers_and_in_pieces_without_prices() -> None:
    assert typical_order(rows({"order_count": 2, "spend_minor": 3000}, {"order_count": 1, "spend_minor": 900}, {"spend_minor": 0})) == (
        "spend",
        1500,
    )
    assert typical_order(rows({"order_count": 2, "units_bought": 6, "spend_minor": None}, {"spend_minor": 0})) == ("units", 3)


def test_who_did_too_little_has_no_taste() -> None:
    model = fit(planted(400)[0], as_of=date(2026, 6, 30), seed=1, search=SEARCH).model
    assert model.taste is not None
    few = rows({"top_categories": [{"category_id": "tea", "event_count": model.taste.minimum_events - 1}]})
    assert model.assign(few)[1].tolist() == [NO_CLUSTER]


def test_a_batch_of_one_is_assigned_as_in_company() -> None:
    users, _, _ = planted(400)
    model = fit(users, as_of=date(2026, 6, 30), seed=1, search=SEARCH).model
    together = model.assign(users)
    alone = [model.assign(users.slice(i, 1)) for i in range(users.num_rows)]
    assert [list(ids) for ids in together] == [[one[scheme][0] for one in alone] for scheme in (0, 1, 2)]


def test_a_model_survives_its_file_and_is_served_from_it(tmp_path: Path) -> None:
    users, _, _ = planted(400)
    model = fit(users, as_of=date(2026, 6, 30), seed=1, search=SEARCH).model
    (tmp_path / FILE).write_text(model.to_json(), encoding="utf-8")
    assert from_json(model.to_json()) == model
    served = _load_pyfunc(str(tmp_path)).predict(users.to_pandas())
    assert served["behaviour_cluster_id"].tolist() == model.assign(users)[0].tolist()
    assert served["taste_segment"].nunique() == 3
    assert UNKNOWN_TASTE not in set(served["taste_segment"])


def test_a_file_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 99"):
        from_json('{"format": 99}')


def test_the_served_file_needs_nothing_of_the_project() -> None:
    tree = ast.parse(Path(str(served_segments.__file__)).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    outside = {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names)
    assert outside == {"numpy", "pandas", "pyarrow"}
