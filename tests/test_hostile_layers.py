"""Layers that are made to break pages and maps: names, values and shapes that nobody expects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from made_up_land import made_up, staged
from PIL import Image
from test_site import broken, show

from tasks.core.catalog import editions, layers
from tasks.core.model.declarations import Dataset
from tasks.core.pages import storing
from tasks.core.pages.maps.ground import main_view
from tasks.core.pages.maps.pictures import Plate, keep_picture
from tasks.core.postgres.database import Database

EVIL = """ <script>alert("1")</script> & 'x' $a_{b$ \\frac{ {{ 7*7 }} %s
 second ‮שלום """


@pytest.fixture
def dataset(other_database: Database, request: pytest.FixtureRequest) -> Dataset:
    made = made_up(other_database, request.node.name)
    return replace(made, may_be_empty=("areas",))


def shown(
    database: Database,
    dataset: Dataset,
    tmp_path: Path,
    extra: str,
    key: tuple[str, ...] = ("code",),
) -> dict[str, Any]:
    """Publish a layer that a script changed, show the site; return what its map reads."""
    staging = staged(database, dataset, 10, extra=extra)
    layers.seal(database, staging, "areas", key)
    editions.publish(database, staging)
    show(database, storing.Place(str(tmp_path / "site")), tmp_path)
    assert [*broken(tmp_path / "site")] == []
    (path,) = (tmp_path / "site").glob("data/*/map.*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


NAMES = [
    "class",
    "code_",
    'a"b',
    "it's",
    "a b",
    "a/b",
    "../up",
    "ünï",
    "a%41b",
    "<i>",
    "label",
    "count",
]


def test_columns_of_any_name_are_shown(
    other_database: Database, dataset: Dataset, tmp_path: Path
) -> None:
    quoted = ['"' + name.replace('"', '""') + '"' for name in NAMES]
    extra = "".join(
        f"ALTER TABLE areas ADD {name} integer DEFAULT 7;"
        f" COMMENT ON COLUMN areas.{name} IS 'Of it [unit: persons; aggregate: sum; from: here]';"
        for name in quoted
    )
    map_ = shown(other_database, dataset, tmp_path, extra)
    assert {*NAMES} < {each["name"] for each in map_["indicators"]}
    for each in map_["indicators"]:
        (path,) = (tmp_path / "site").glob(f"data/*/{glob_safe(each['details'])}")
        assert json.loads(path.read_text())["count"] == 3


def glob_safe(name: str) -> str:
    return name.replace("[", "[[]")


def test_a_column_of_figures_may_be_called_code(
    other_database: Database, dataset: Dataset, tmp_path: Path
) -> None:
    extra = (
        "ALTER TABLE areas RENAME code TO area; ALTER TABLE areas ADD code integer DEFAULT 7;"
        " COMMENT ON COLUMN areas.code IS 'Of it [unit: persons; aggregate: sum; from: here]'"
    )
    map_ = shown(other_database, dataset, tmp_path, extra, ("area",))
    assert {each["name"] for each in map_["indicators"]} == {"people", "code"}


def test_texts_of_any_kind_stay_texts(
    other_database: Database, dataset: Dataset, tmp_path: Path
) -> None:
    said = EVIL.replace("'", "''")
    extra = (
        f"ALTER TABLE areas ADD area_name text DEFAULT '{said}', ADD long text;"
        f" UPDATE areas SET long = repeat('x', 100000), code = code || '/ <b>';"
        f" COMMENT ON TABLE areas IS '{said}';"
        f" COMMENT ON COLUMN areas.area_name IS '{said} [unit: name; aggregate: none; from: a]';"
        f" COMMENT ON COLUMN areas.long IS 'Long [unit: name; aggregate: none; from: a]';"
        f" COMMENT ON COLUMN areas.people IS '{said} [unit: $a_{{b$; aggregate: sum; from: a]'"
    )
    map_ = shown(other_database, dataset, tmp_path, extra)
    assert "<script>" in map_["indicators"][0]["description"]
    for page in (tmp_path / "site").rglob("*.html"):
        assert "<script>alert" not in page.read_text()


@pytest.mark.parametrize(
    ("extra", "areas", "lost"),
    [
        ("UPDATE areas SET geom = NULL", 3, 3),
        ("UPDATE areas SET geom = NULL WHERE code = 'A2'", 3, 1),
        ("DELETE FROM areas", 0, 0),
        ("UPDATE areas SET people = NULL", 3, 0),
        ("UPDATE areas SET geom = 'SRID=31370;POLYGON EMPTY' WHERE code = 'A2'", 3, 1),
        ("ALTER TABLE areas DROP people", 3, 0),
        ("ALTER TABLE areas ALTER people TYPE float8; UPDATE areas SET people = 1e300", 3, 0),
        ("UPDATE areas SET people = 0", 3, 0),
    ],
)
def test_a_layer_that_has_less_than_usual_is_shown(
    other_database: Database,
    dataset: Dataset,
    tmp_path: Path,
    extra: str,
    areas: int,
    lost: int,
) -> None:
    map_ = shown(other_database, dataset, tmp_path, extra)
    assert (map_["areas"], map_["without_geometry"]) == (areas, lost)


def test_a_key_of_two_columns_is_one_code(
    other_database: Database, dataset: Dataset, tmp_path: Path
) -> None:
    extra = "ALTER TABLE areas ADD part integer DEFAULT 5"
    extra += "; COMMENT ON COLUMN areas.part IS 'Part [unit: code; aggregate: key; from: here]'"
    map_ = shown(other_database, dataset, tmp_path, extra, ("code", "part"))
    assert [each[1] for each in map_["details"]["most"]] == ["A3/5", "A2/5", "A1/5"]


def test_all_of_a_source_is_inside_the_picture(tmp_path: Path) -> None:
    shapes = np.array([shapely.box(0.5, 0.5, 0.6, 0.6)])
    classes = {"breaks": [], "counts": [1], "zero": False, "zeros": 0, "diverging": -1}
    seen, source = np.array([0.5, 0.5, 0.6, 0.6]), "Office of long names, Open Licence 2.0; "
    widths = set()
    for said in (source * 7 + "end", source * 3):
        plate = Plate(shapes, np.ones(1), classes, seen, f"{'Title ' * 60}$a_{{b$", said)
        drawn = keep_picture(plate, tmp_path, "areas")
        with Image.open(tmp_path / drawn["file"]) as picture:
            margin = np.asarray(picture.convert("L"))[:, -8:]
        widths.add(bool((margin < 255).any()))
    assert widths == {False}


def test_a_map_of_few_large_areas_shows_them_whole() -> None:
    """Three regions that touch, as those of Belgium: their centres lie close together."""
    bounds = np.array([[0.0, 0.0, 6.0, 2.0], [0.0, 1.5, 6.0, 4.0], [2.8, 0.9, 3.2, 1.2]])
    assert main_view(bounds).tolist() == [0.0, 0.0, 6.0, 4.0]
    squares = np.array([[x, y, x + 1.0, y + 1.0] for x in range(10) for y in range(10)])
    far = np.vstack([squares, [[90.0, 90.0, 91.0, 91.0]]])
    assert main_view(far).tolist() == [0.0, 0.0, 10.0, 10.0]
    regions = squares[np.r_[0:3, 10:13, 20:23, 30:33, 44]]  # 13, and 5 overseas, as in France
    overseas = np.array(
        [[x, y, x + 0.2, y + 0.2] for x, y in ((-60, 30), (-61, 31), (-50, 40), (55, 70), (45, 60))]
    )
    assert main_view(np.vstack([regions, overseas])).tolist() == [0.0, 0.0, 5.0, 5.0]
