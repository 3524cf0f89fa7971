"""README's "Adding a country", done once with a made-up country: one flow, one SQL file, one
generator of files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import geopandas
import pytest
import shapely
from prefect.settings import PREFECT_API_URL

from tasks.core.postgres.database import Database

pytestmark = pytest.mark.prefect

FLOW = '''"""Ruritania: cantons with residents, and the duchies they add up to."""

from datetime import date
from pathlib import Path

from prefect import flow

from tasks.nouns import Dataset, Features, Licence, Mirror, Publisher, Rebuild, Rows, Source, Table, Total, integer, text
from tasks.vocabulary import aggregate, backup, check_conserved, check_join, check_rows, check_totals, clean_topology, join
from tasks.vocabulary import load, open_staging, publish, publish_catalog, recorded, run, unpack

RURITANIA = Dataset(
    slug="ruritania", title="Ruritania: cantons", country="ZR", schema="ruritania", layers={"cantons": ("canton_code",), "duchies": ("duchy_code",)}
)
OFFICE = dict(
    publisher=Publisher(slug="royal-office", name="Royal Office of Ruritania", url="https://office.example"),
    licence=Licence(slug="royal-open", title="Royal Open Licence", url="https://office.example/open", attribution="Source: Royal Office"),
    landing_page="https://office.example", released="yearly", confidence="high", vintage=2026, reference_date=date(2026, 1, 1),
)
CANTONS = Source(
    slug="zr-cantons", title="Cantons", urls=("https://office.example/cantons.gpkg",), container="sqlite", rows=Rows.exactly(16), **OFFICE,
    reads=Features(columns={"canton_code": text("canton"), "duchy_code": text("duchy")}, key="canton_code", crs=3035, published_crs=3035),
)
RESIDENTS = Source(
    slug="zr-residents", title="Residents", urls=("https://office.example/residents.csv",), container="text",
    totals={"residents": Total(expected=136)}, **OFFICE,
    reads=Table(columns={"canton_code": text("canton"), "residents": integer("residents")}, key=("canton_code",), delimiter=";"),
)


@flow(name="ruritania", description=__doc__)
@recorded(RURITANIA)
def ruritania(mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish Ruritania."""
    files = backup(shapes=CANTONS, residents=RESIDENTS, mirror=mirror)
    staging = open_staging(RURITANIA, 2026, files, rebuild=rebuild)
    load(staging, unpack(files))
    check_rows(staging, files.shapes)
    check_totals(staging, files.residents)
    check_join(staging, "shapes", "residents", key="canton_code", population="residents", areas_matched=1.0)
    clean_topology(staging, table="shapes", key="canton_code", gap_metres=1.0)
    join(staging, str(Path(__file__).parents[1] / "sql" / "ruritania.sql"))
    aggregate(staging, "cantons", by="duchy_code", into="duchies")
    check_conserved(staging, "residents", "residents", "duchies")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(ruritania)
'''

SQL = """-- reads: shapes, residents
-- makes: cantons
-- settings: none
CREATE TABLE cantons AS
SELECT canton_code, duchy_code, residents, geom FROM shapes JOIN residents USING (canton_code) ORDER BY canton_code;
COMMENT ON TABLE cantons IS 'Cantons of Ruritania';
COMMENT ON COLUMN cantons.canton_code IS 'Canton [unit: code; aggregate: key; from: zr-cantons.canton]';
COMMENT ON COLUMN cantons.duchy_code IS 'Duchy [unit: code; aggregate: same; from: zr-cantons.duchy]';
COMMENT ON COLUMN cantons.residents IS 'Residents [unit: persons; aggregate: sum; from: zr-residents.residents]';
COMMENT ON COLUMN cantons.geom IS 'Border [unit: m; aggregate: none; from: zr-cantons]';
"""


def write(folder: Path) -> None:
    """Synthetic files of the made-up office, and the mirror that stands in for it: 16 cantons in 4
    duchies, 136 residents.
    """
    codes = [f"0{row}{column}" for row in range(4) for column in range(4)]
    cells = [
        shapely.box(
            4e6 + 1000 * int(code[2]),
            3e6 + 1000 * int(code[1]),
            4e6 + 1000 * int(code[2]) + 1000,
            3e6 + 1000 * int(code[1]) + 1000,
        )
        for code in codes
    ]
    cantons = geopandas.GeoDataFrame(
        {"canton": codes, "duchy": [code[:2] for code in codes]}, geometry=cells, crs=3035
    )
    cantons.to_file(folder / "cantons.gpkg")
    (folder / "residents.csv").write_text(
        "canton;residents\n"
        + "".join(f"{code};{number}\n" for number, code in enumerate(codes, start=1))
    )
    sources = {
        "zr-cantons-2026": {"path": "cantons.gpkg", "rows": 16},
        "zr-residents-2026": {"path": "residents.csv", "totals": {"residents": 136}},
    }
    (folder / "mirror.json").write_text(
        json.dumps({"label": "synthetic-ruritania", "about": "Made up.", "sources": sources})
    )


def test_a_country_is_added_with_a_flow_an_sql_file_and_a_generator(
    tmp_path: Path, prefect_server: None, other_database: Database
) -> None:
    for folder, name, text in (("flows", "ruritania.py", FLOW), ("sql", "ruritania.sql", SQL)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    write(tmp_path)
    environment = os.environ | {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    command = [sys.executable, str(tmp_path / "flows" / "ruritania.py"), "--mirror", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert other_database.rows("SELECT count(*), sum(residents) FROM ruritania.cantons") == [
        (16, 136)
    ]
    assert other_database.rows(
        "SELECT duchy_code, residents, ST_Area(geom) FROM ruritania.duchies ORDER BY 1"
    ) == [("00", 10, 4e6), ("01", 26, 4e6), ("02", 42, 4e6), ("03", 58, 4e6)]
    assert other_database.value(
        "SELECT attribution FROM catalog.licence_to_print WHERE layer = 'ruritania.duchies' LIMIT 1"
    ).startswith("Source: Royal Office")
