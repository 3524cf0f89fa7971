"""`locate`: points get the area that the server's own join would give them, on every border."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from fractal_coverage import grid, store
from psycopg2 import sql

from tasks.core.making.joining import locations, points_in_areas
from tasks.core.making.joining.locations import Locations
from tasks.core.making.joining.points_in_areas import Areas
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.pages import graphs
from tasks.core.postgres.database import Database
from tasks.verbs.joins import locate

SHAPES = grid(8, 6)
SRID = 31370
BY_SERVER = """
SELECT p.number, min(a.code) FROM areas a JOIN points p ON ST_Intersects(a.geom, p.geom)
 GROUP BY 1 ORDER BY 1
"""


def put(database: Database, staging: Staging, shapes: np.ndarray, places: np.ndarray) -> None:
    """A table of areas, the first of which has the highest code, and one of numbered points."""
    store(database, staging.schema, "areas", shapes[::-1], SRID)
    with database.session(staging.schema) as cursor:
        cursor.execute("CREATE TABLE points (number text, geom geometry(Point, 31370))")
        cursor.execute(
            "INSERT INTO points SELECT lpad((place - 1)::text, 7, '0'),"
            " ST_SetSRID(ST_MakePoint(x, y), 31370) FROM unnest(%s::double precision[],"
            " %s::double precision[]) WITH ORDINALITY AS places (x, y, place)",
            places.T.tolist(),
        )


def located(database: Database, staging: Staging) -> tuple[Locations, list[tuple[str, str]]]:
    done = locations.locate(
        database, staging.schema, "points", "areas", "found", key="number", code="code"
    )
    with database.session(staging.schema) as cursor:
        cursor.execute("SELECT number, code FROM found ORDER BY 1")
        return done, cursor.fetchall()


def by_server(database: Database, staging: Staging) -> list[tuple[str, str]]:
    with database.session(staging.schema) as cursor:
        cursor.execute(BY_SERVER)
        return cursor.fetchall()


def nudged(places: np.ndarray) -> np.ndarray:
    """Places, and each moved by one unit of its last digit to every side."""
    steps = [(-np.inf, 0), (np.inf, 0), (0, -np.inf), (0, np.inf)]
    moved = [
        np.column_stack(
            [
                np.nextafter(axis, to) if to else axis
                for axis, to in zip(places.T, step, strict=True)
            ]
        )
        for step in steps
    ]
    return np.concatenate([places, *moved])


def edges(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Begin and end of each straight piece of the borders."""
    lines = [*map(shapely.get_coordinates, shapely.get_rings(shapely.get_parts(shapes)))]
    return (
        np.concatenate([line[:-1] for line in lines]),
        np.concatenate([line[1:] for line in lines]),
    )


def on_borders(shapes: np.ndarray) -> np.ndarray:
    """Vertices, and places on the edges between them as near as their digits allow."""
    begin, end = edges(shapes)
    share = np.random.default_rng(1).random((len(begin), 1))
    return np.concatenate([begin, (begin + end) / 2, begin + share * (end - begin)])


def on_borders_by_rounding(shapes: np.ndarray, each: int) -> np.ndarray:
    """Places beside the edges that products of doubles tell to be on them."""
    begin, end = (np.repeat(ends, each, axis=0) for ends in edges(shapes))
    places = begin + np.random.default_rng(1).random((len(begin), 1)) * (end - begin)
    (x, y), (across, up) = (places - begin).T, (end - begin).T
    return places[across * y - x * up == 0]


def random_places(shapes: np.ndarray, count: int, seed: int = 2) -> np.ndarray:
    west, south, east, north = shapely.total_bounds(shapes)
    random = np.random.default_rng(seed)
    return np.column_stack(
        (random.uniform(west - 500, east + 500, count), random.uniform(south, north, count))
    )


def with_odd_shapes(shapes: np.ndarray) -> np.ndarray:
    """Areas with a hole, of two parts, on top of others, with spikes, and with straight edges."""
    odd, (x, y) = shapes.copy(), np.array(shapely.centroid(shapes[10]).coords[0])
    odd[10] = shapely.multipolygons([odd[10].difference(shapely.box(x - 99, y - 99, x, y))])
    odd[20] = shapely.multipolygons([shapely.box(x - 99, y - 99, x - 50, y), *odd[20].geoms])
    odd[30] = shapely.multipolygons([shapely.box(x, y, x + 3000, y + 1500)])
    spike = [(x, y), (x + 700, y + 1), (x + 1400, y), (x + 700, y + 700), (x + 700, y + 2)]
    odd[31] = shapely.multipolygons([shapely.Polygon(spike)])
    thin = [(x, y), (np.nextafter(x, x + 1), y), (x + 100, y - 300)]
    odd[32] = shapely.multipolygons([shapely.Polygon(thin)])
    return odd


@pytest.mark.parametrize("shapes", [SHAPES, with_odd_shapes(SHAPES)], ids=["coverage", "odd"])
def test_points_anywhere_are_where_the_server_says(
    database: Database, staging: Staging, shapes: np.ndarray
) -> None:
    places = np.concatenate([random_places(shapes, 5000), nudged(on_borders(shapes)[::3])])
    put(database, staging, shapes, places)
    done, found = located(database, staging)
    assert found == by_server(database, staging)
    assert done == Locations(len(shapes), len(places), len(found), done.near)
    assert done.near < len(places) - 4900


def test_a_point_nearer_to_a_border_than_the_server_computes_is_where_the_server_says(
    database: Database, staging: Staging
) -> None:
    """The server rounds: here it finds a few points in two areas that GEOS finds in one."""
    places = on_borders_by_rounding(SHAPES, 200)
    put(database, staging, SHAPES, places)
    first, near = Areas(SHAPES[::-1]).first(*places.T)
    done, found = located(database, staging)
    server = by_server(database, staging)
    assert found == server
    exact = {f"{n:07d}": f"{code:05d}-" for n, code in enumerate(first) if code < len(SHAPES)}
    differing = {number for number, code in server if exact.get(number) != code}
    assert differing
    assert near[[int(number) for number in differing]].all()
    assert done.near == near.sum()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_is_looked_up_at_a_time_changes_nothing(
    database: Database, staging: Staging, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    places = random_places(SHAPES, 3000)
    put(database, staging, SHAPES, places)
    once = located(database, staging)
    monkeypatch.setattr(points_in_areas, "AREAS", size)
    monkeypatch.setattr(points_in_areas, "PAIRS", size)
    monkeypatch.setattr(locations, "SLICE", size)
    assert located(database, staging) == once
    assert once[1] == by_server(database, staging)


ODD: dict[str, Sequence[tuple[float, float]]] = {
    "one": [(0.5, 0.5)],
    "at one place": [(0.5, 0.5)] * 1000,
    "on one meridian": [(0.5, n / 1000) for n in range(1001)],
    "on one parallel": [(n / 1000, 0.5) for n in range(1001)],
    "far": [(1e308, 0.5), (-1e308, 0.5), (0.5, 1e308), (0.5, 0.5)],
    "no numbers": [(np.nan, 0.5), (0.5, np.inf), (-np.inf, np.nan), (0.5, 0.5)],
    "at corners": [(0, 0), (0, 1), (1, 0), (1, 1)],
    "outside": [(2, 2), (-1, 0.5)],
}


@pytest.mark.parametrize("places", ODD.values(), ids=ODD)
def test_odd_points_are_in_their_place(places: Sequence[tuple[float, float]]) -> None:
    x, y = np.array(places, float).T
    first, _ = Areas(np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 3, 1)])).first(x, y)
    assert first.tolist() == [
        0 if 0 <= a <= 1 and 0 <= b <= 1 else 1 if 0 <= a <= 3 and 0 <= b <= 1 else 2
        for a, b in places
    ]


def test_without_points_or_areas_nothing_is_found(database: Database, staging: Staging) -> None:
    put(database, staging, SHAPES, np.empty((0, 2)))
    assert located(database, staging) == (Locations(len(SHAPES), 0, 0, 0), [])
    with database.session(staging.schema) as cursor:
        cursor.execute("INSERT INTO points VALUES ('1', 'SRID=31370;POINT (150500 100500)')")
        cursor.execute("INSERT INTO points VALUES ('2', NULL), ('3', 'SRID=31370;POINT EMPTY')")
    assert located(database, staging)[0].found == 1
    with database.session(staging.schema) as cursor:
        cursor.execute("UPDATE areas SET geom = NULL WHERE code < '00010-'")
        cursor.execute(
            "UPDATE areas SET geom = 'SRID=31370;MULTIPOLYGON EMPTY' WHERE code = '00040-'"
        )
    assert located(database, staging)[0].areas == len(SHAPES) - 11
    with database.session(staging.schema) as cursor:
        cursor.execute("UPDATE areas SET geom = NULL")
    assert located(database, staging) == (Locations(0, 2, 0, 0), [])


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("geometry(Point, 4326) USING ST_SetSRID(geom, 4326)", "POINT with SRID 4326"),
        ("geometry(LineString, 31370) USING NULL", "LINESTRING with SRID 31370"),
        ("text", "not there"),
    ],
    ids=["of another CRS", "lines", "no geometry"],
)
def test_points_that_cannot_be_in_the_areas_are_refused(
    database: Database, staging: Staging, column: str, said: str
) -> None:
    put(database, staging, SHAPES, np.empty((0, 2)))
    with database.session(staging.schema) as cursor:
        cursor.execute(f"ALTER TABLE points ALTER COLUMN geom TYPE {column}")
    with pytest.raises(ConfigurationError, match=f"SRID 31370 of areas; it is {said}: cast"):
        located(database, staging)


def test_the_step_says_how_many_were_found_and_from_which_tables(
    database: Database, staging: Staging
) -> None:
    places = np.array([[150_000.0, 100_000.0], [154_000.0, 103_000.0], [0.0, 0.0]])
    vertex = shapely.get_coordinates(SHAPES[0])[:1]
    put(database, staging, SHAPES, np.concatenate([places, vertex]))
    locate.fn(staging, "points", "areas", into="found", key="number", code="code")
    steps = database.records(
        "SELECT verb, subject, sentence, row_count, figures FROM catalog.step"
        " WHERE dataset = %(dataset)s AND number = %(number)s",
        dataset=staging.dataset.slug,
        number=staging.edition,
    )
    (step,) = steps
    found = int(
        database.value(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(staging.schema, "found"))
        )
    )
    assert (step.verb, step.subject, step.row_count) == ("locate", "found", found)
    assert step.sentence == (
        f"Located {found} of 4 points in 48 areas; the database decided on 1 near a border"
    )
    _, arrows = graphs.of_steps([step._asdict()], ["found"])
    assert arrows == [("points", "found"), ("areas", "found")]
