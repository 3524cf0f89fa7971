"""The 19 columns of the geolocation file, and the IRIS that each point is in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from synthetic import sirene_layout
from synthetic.sirene_blocks import Block, Flags
from synthetic.sirene_ground import UNDIVIDED
from synthetic.sirene_stock import chosen, sirets

# found to the number, somewhere in the street, somewhere in the commune; 2x: a probable street
QUALITIES = ("11", "12", "33", "22", "21")
QUALITY_SHARES = (0.625, 0.159, 0.176, 0.025, 0.015)
PRECISIONS = ((2, 30), (40, 900), (600, 7000), (40, 900), (2, 30))  # metres
NO_ZONES, OUTSIDE = "CSZ", "HZ"  # the commune has no such zones; the point is in none of them
Columns = dict[str, pa.Array]


def batch(block: Block) -> pa.RecordBatch:
    """The located rows of a block; numbers are rounded as in the CSV file, in double precision."""
    rows = np.flatnonzero(block.located)
    point, random, ground = block.point[rows], block.random, block.ground
    quality = random.choice(len(QUALITIES), len(rows), p=QUALITY_SHARES)
    low, high = np.array(PRECISIONS, dtype=float)[quality].T
    columns = {
        "siret": sirets(block).take(pa.array(rows)),
        "x": pa.array(ground.x[point].round(2)),
        "y": pa.array(ground.y[point].round(2)),
        "qualite_xy": chosen(QUALITIES, quality),
        "epsg": pa.array(ground.epsg[point]).cast(pa.string()),
        "plg_code_commune": chosen(ground.codes.tolist(), ground.commune[point]),
        "distance_precision": pa.array((low + random.random(len(rows)) * (high - low)).round(1)),
        "y_latitude": pa.array(ground.latitude[point].round(8)),
        "x_longitude": pa.array(ground.longitude[point].round(8)),
        **_zones(random, ground.iris[point], chosen(ground.codes.tolist(), ground.commune[point])),
    }
    empty = pa.nulls(len(rows), pa.string())
    return pa.RecordBatch.from_pydict(
        {name: columns.get(name, empty) for name in sirene_layout.LOCATION_COLUMNS}
    )


def _zones(random: np.random.Generator, iris: np.ndarray, communes: pa.Array) -> Columns:
    """The IRIS within the commune and the quarters of urban policy; the sensitive zones have been
    empty since March 2024.
    """
    rows, undivided = len(iris), iris == UNDIVIDED
    quarter = _quarters(random, undivided, communes, "QN")
    former_quarter = _quarters(random, undivided, communes, "QP")
    qualities = {
        f"qualite_{zone}": chosen("123", random.choice(3, rows, p=(0.8, 0.15, 0.05)))
        for zone in ("qp24", "iris", "qp15", "qva")
    }
    return {
        "plg_iris": pc.if_else(
            pa.array(undivided),
            NO_ZONES,
            pc.if_else(pa.array(random.random(rows) < 0.003), OUTSIDE, pa.array(iris)),
        ),
        "plg_qp24": quarter,
        "plg_qp15": former_quarter,
        "plg_qva": pc.if_else(pa.array(undivided), NO_ZONES, OUTSIDE),
        **qualities,
    }


def _quarters(
    random: np.random.Generator, undivided: Flags, communes: pa.Array, prefix: str
) -> pa.Array:
    """A made-up quarter of the commune for a few, such as QN75118M."""
    named = pc.binary_join_element_wise(prefix, communes, "M", "")
    inside = pa.array(random.random(len(undivided)) < 0.03)
    return pc.if_else(pa.array(undivided), NO_ZONES, pc.if_else(inside, named, OUTSIDE))


def expected(block: Block, stock: pa.RecordBatch) -> pa.RecordBatch:
    """The IRIS of each point that a file tells: siret, code_iris, and which file it is
    (geolocation, or only the stock's coordinates).
    """
    coordinates = stock.column("coordonneeLambertAbscisseEtablissement")
    told = pc.fill_null(pc.not_equal(coordinates, sirene_layout.PARTIAL_MASK), False).to_numpy(
        zero_copy_only=False
    )
    rows = np.flatnonzero(block.located | told)
    point, ground = block.point[rows], block.ground
    code = np.strings.add(ground.codes[ground.commune[point]], ground.iris[point])
    source = chosen(("stock", "geolocation"), block.located[rows])
    return pa.RecordBatch.from_pydict(
        {"siret": sirets(block).take(pa.array(rows)), "code_iris": pa.array(code), "source": source}
    )
