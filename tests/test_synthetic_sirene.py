"""The synthetic SIRENE is in INSEE's formats, masks what INSEE masks, says true numbers of itself,
and is the same every time.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import time
import zipfile
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import py7zr
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import pytest
import shapely
from pyarrow import parquet
from synthetic import (
    sirene,
    sirene_blocks,
    sirene_communes,
    sirene_counts,
    sirene_layout,
    sirene_words,
)
from synthetic.sirene import write
from synthetic.sirene_layout import LOCATION_NAME, PARTIAL_MASK, STOCK_NAME

from tasks.core.making.tables.tabular import Figures
from tasks.core.making.unpacking.archives import take_out
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Licence, Publisher, Source, Table
from tasks.core.upstream import mirrors

TERRITORIES = {2154, 5490, 2972, 2975, 4471}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sirene")
    write(made)
    return made


@pytest.fixture(scope="module")
def counts(folder: Path) -> sirene_counts.Counts:
    return sirene_counts.read(folder)


@pytest.fixture(scope="module")
def stock(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(folder / f"{STOCK_NAME}.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def locations(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(folder / f"{LOCATION_NAME}.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def iris() -> geopandas.GeoDataFrame:
    """A square commune of four IRIS with two that overlap, undivided ones beside it, in Martinique
    and in Corsica, and a sliver.
    """
    shapes = {
        "010530101": shapely.box(5.20, 46.20, 5.22, 46.22),
        "010530102": shapely.box(5.22, 46.20, 5.24, 46.22),
        "010530103": shapely.box(5.20, 46.22, 5.221, 46.24),
        "010530104": shapely.box(5.22, 46.22, 5.24, 46.24),
        "010040000": shapely.box(5.24, 46.20, 5.30, 46.24),
        "972090000": shapely.box(-61.10, 14.60, -61.05, 14.65),
        "2A0040000": shapely.Polygon([(8.7, 41.9), (8.8, 41.9), (8.7, 42.0), (8.8, 42.0)]),
        "010040001": shapely.box(5.30, 46.20, 5.30001, 46.24),
    }
    codes = list(shapes)
    table = {
        "code_iris": codes,
        "code_insee": [code[:5] for code in codes],
        "nom_commune": ["L'Évêché-Œuvre"] * len(codes),
    }
    return geopandas.GeoDataFrame(table, geometry=list(shapes.values()), crs=4326)


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory, iris: geopandas.GeoDataFrame) -> Path:
    made = tmp_path_factory.mktemp("placed")
    write(made, areas=iris, formats=("parquet",))
    return made


def lines(folder: Path, name: str) -> list[str]:
    with zipfile.ZipFile(folder / f"{name}.zip") as archive:
        return archive.read(f"{name}.csv").decode("utf-8").split("\n")


def cells(folder: Path, name: str, delimiter: str) -> list[list[str]]:
    return list(
        csv.reader(io.StringIO("\n".join(lines(folder, name)), newline=""), delimiter=delimiter)
    )


def declared(schema: pa.Schema, **types: str) -> dict[str, Column]:
    """Each column of a file as a flow would declare it."""
    names = {
        pa.date32(): "date",
        pa.timestamp("us"): "date",
        pa.bool_(): "boolean",
        pa.int64(): "integer",
        pa.float32(): "number",
    }
    return {
        field.name.lower(): Column(
            (field.name,), types.get(field.name, names.get(field.type, "text"))
        )
        for field in schema
    }


def through(folder: Path, slug: str, schema: pa.Schema, into: Path) -> pa.Table:
    """The rows as a flow has them whose source is declared as Parquet and read from this mirror."""
    office = Publisher(slug="insee", name="INSEE", url="https://www.insee.fr")
    source = Source(
        slug=slug,
        vintage=2026,
        title="SIRENE",
        publisher=office,
        licence=Licence(slug="lov2", title="", url="", attribution=""),
        landing_page="",
        urls=("https://example.org/a.parquet",),
        container="parquet",
        reads=Table(columns=declared(schema), key=("siret",)),
        reference_date=date(2026, 11, 1),
        released="monthly",
        confidence="high",
    )
    source = mirrors.apply(source, str(folder))
    into.mkdir(exist_ok=True)
    _, path = take_out(Path(source.urls[0]), source.member, into)
    assert isinstance(source.reads, Table)
    figures = Figures(path, source.reads, slug)
    table = pa.Table.from_batches(list(figures.batches()), schema=figures.schema)
    assert source.rows is not None
    assert source.rows.low == source.rows.high == table.num_rows == figures.tally.rows
    return table


def test_the_layout_is_that_of_the_real_file(folder: Path, real_files: Path) -> None:
    with gzip.open(
        real_files / "france" / "StockEtablissement_utf8_geo_sample40_2024.csv.gz",
        "rt",
        encoding="utf-8",
    ) as file:
        published = next(csv.reader(file))[:53]
    assert list(sirene_layout.COLUMNS) == [*published, "activitePrincipaleNAF25Etablissement"]
    assert lines(folder, STOCK_NAME)[0] == ",".join(sirene_layout.COLUMNS)
    assert lines(folder, LOCATION_NAME)[0] == ";".join(sirene_layout.LOCATION_COLUMNS)
    assert len(sirene_layout.LOCATION_COLUMNS) == 19


def test_the_parquet_files_have_the_types_of_the_real_ones(folder: Path) -> None:
    types = dict(
        zip(
            sirene_layout.COLUMNS,
            parquet.read_schema(folder / f"{STOCK_NAME}.parquet").types,
            strict=True,
        )
    )
    assert {name: kind for name, kind in types.items() if kind != pa.string()} == {
        "dateCreationEtablissement": pa.date32(),
        "anneeEffectifsEtablissement": pa.int64(),
        "etablissementSiege": pa.bool_(),
        "dateDernierTraitementEtablissement": pa.timestamp("us"),
        "nombrePeriodesEtablissement": pa.int64(),
        "dateDebut": pa.date32(),
    }
    types = dict(
        zip(
            sirene_layout.LOCATION_COLUMNS,
            parquet.read_schema(folder / f"{LOCATION_NAME}.parquet").types,
            strict=True,
        )
    )
    assert {name for name, kind in types.items() if kind == pa.float32()} == {
        "x",
        "y",
        "distance_precision",
        "y_latitude",
        "x_longitude",
    }
    assert set(types.values()) == {pa.string(), pa.float32()}


def test_archives_hold_one_file_each(folder: Path) -> None:
    for name in (STOCK_NAME, LOCATION_NAME):
        with zipfile.ZipFile(folder / f"{name}.zip") as archive:
            assert archive.namelist() == [f"{name}.csv"]
            assert archive.testzip() is None


def test_values_are_quoted_where_needed_and_backslashes_are_letters(folder: Path) -> None:
    rows = cells(folder, STOCK_NAME, ",")
    assert {len(row) for row in rows} == {54}
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    assert written.getvalue().split("\n") == lines(folder, STOCK_NAME)
    names = {
        row[sirene_layout.COLUMNS.index(name)]
        for row in rows
        for name in (*sirene_layout.NAMES, "libelleVoieEtablissement")
    }
    assert {*sirene_words.AWKWARD, *sirene_words.AWKWARD_STREETS} <= names
    assert any(
        "\\," in line.replace('""', "") and '"' not in line for line in lines(folder, STOCK_NAME)
    ), "a backslash before a delimiter"


def test_both_formats_are_read_as_the_same_rows(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "csv", formats=("csv", "parquet"))
    assert json.loads((tmp_path / "csv" / "mirror.json").read_text())["sources"]["fr-sirene-2026"][
        "path"
    ].endswith(".zip")
    typed, spelled = (
        through(each, "fr-sirene", sirene_layout.STOCK, tmp_path / "out")
        for each in (folder, tmp_path / "csv")
    )
    assert typed == spelled
    typed, spelled = (
        through(each, "fr-sirene-geolocation", sirene_layout.LOCATIONS, tmp_path / "out")
        for each in (folder, tmp_path / "csv")
    )
    rounded = [
        (
            pa.array(column.combine_chunks()).cast(pa.float32(), safe=False).cast(pa.float64())
            if pa.types.is_floating(column.type)
            else column
        )
        for column in spelled.columns
    ]
    assert typed == pa.table(dict(zip(typed.column_names, rounded, strict=True)))


def test_identifiers_are_unique_sorted_and_keep_their_zeros(
    stock: list[dict[str, Any]], counts: sirene_counts.Counts
) -> None:
    sirets = [row["siret"] for row in stock]
    assert sirets == sorted(set(sirets))
    assert all(
        row["siret"] == row["siren"] + row["nic"]
        and len(row["siren"]) == 9
        and len(row["nic"]) == 5
        for row in stock
    )
    assert any(siret.startswith("00") for siret in sirets)
    seats = Counter(row["siren"] for row in stock if row["etablissementSiege"])
    assert set(seats.values()) == {1}
    assert set(seats) == {row["siren"] for row in stock}
    assert seats.total() == counts.seats < len(stock)


def test_partial_rows_tell_their_commune_and_nothing_else_of_the_place(
    stock: list[dict[str, Any]], locations: list[dict[str, Any]]
) -> None:
    partial = [row for row in stock if row["statutDiffusionEtablissement"] == "P"]
    told = {"libelleCommuneEtablissement", "codeCommuneEtablissement"}
    for row in partial:
        assert all(row[name] for name in told)
        assert {row[name] for name in sirene_layout.MASKED} == {PARTIAL_MASK}
        assert {row[name] for name in (*sirene_layout.NAMES, *sirene_layout.SECOND_ADDRESS)} <= {
            None,
            PARTIAL_MASK,
        }
        assert row["activitePrincipaleEtablissement"] not in (None, PARTIAL_MASK)
    assert {row["denominationUsuelleEtablissement"] for row in partial} == {None, PARTIAL_MASK}
    assert not any(
        PARTIAL_MASK in row.values() for row in stock if row["statutDiffusionEtablissement"] == "O"
    )
    assert not {row["siret"] for row in partial} & {row["siret"] for row in locations}


def test_the_counts_are_those_of_the_files(
    folder: Path,
    stock: list[dict[str, Any]],
    locations: list[dict[str, Any]],
    counts: sirene_counts.Counts,
) -> None:
    located = {row["siret"] for row in locations}
    facts = {
        "partial": lambda row: row["statutDiffusionEtablissement"] == "P",
        "abroad": lambda row: row["codePaysEtrangerEtablissement"] is not None,
        "located": lambda row: row["siret"] in located,
        "unlocated": lambda row: (
            row["statutDiffusionEtablissement"] == "O"
            and row["codeCommuneEtablissement"]
            and row["siret"] not in located
        ),
        "former": lambda row: row["codeCommuneEtablissement"] in counts.former_codes,
    }
    active = [row for row in stock if row["etatAdministratifEtablissement"] == "A"]
    assert (len(stock), len(active), len(stock) - len(active)) == (
        counts.establishments,
        counts.active,
        counts.closed,
    )
    for name, is_so in facts.items():
        found = (sum(map(bool, map(is_so, stock))), sum(map(bool, map(is_so, active))))
        assert found == (getattr(counts, name), getattr(counts, f"active_{name}"))
        assert min(found) > 0
    recent = [
        row for row in active if row["nomenclatureActivitePrincipaleEtablissement"] == "NAFRev2"
    ]
    assert (
        Counter(row["activitePrincipaleEtablissement"][:2] for row in recent)
        == counts.active_by_division
    )
    assert (
        Counter(row["codeCommuneEtablissement"] or "" for row in active) == counts.active_by_commune
    )
    assert (
        Counter(row["nomenclatureActivitePrincipaleEtablissement"] for row in stock)
        == counts.by_nomenclature
    )
    assert Counter(row["epsg"] for row in locations) == counts.located_by_epsg
    sources = json.loads((folder / "mirror.json").read_text())["sources"]
    assert [sources[f"{slug}-2026"]["rows"] for slug in ("fr-sirene", "fr-sirene-geolocation")] == [
        len(stock),
        len(locations),
    ]
    assert f"{counts.active:,} active" in (folder / "README.txt").read_text()


def test_shares_are_those_of_the_real_file(tmp_path: Path) -> None:
    counts = write(tmp_path, 60_000, formats=("parquet",)).counts
    assert counts.closed / counts.establishments == pytest.approx(0.62, abs=0.01)
    assert counts.partial / counts.establishments == pytest.approx(0.12, abs=0.01)
    assert counts.abroad / counts.establishments == pytest.approx(0.01, abs=0.003)
    assert counts.active_unlocated / (
        counts.active - counts.active_partial - counts.active_abroad
    ) == pytest.approx(0.04, abs=0.01)
    assert set(counts.by_nomenclature) == {"NAFRev2", "NAFRev1", "NAF1993", "NAP"}
    bands = parquet.read_table(
        tmp_path / f"{STOCK_NAME}.parquet",
        columns=["trancheEffectifsEtablissement", "anneeEffectifsEtablissement"],
    )
    assert {*"00 01 02 03 11 12 21 22 31 32 41 42 NN".split(), None} <= set(bands[0].to_pylist())
    assert pc.all(
        pc.equal(pc.is_valid(bands[1]), pc.fill_null(pc.not_equal(bands[0], "NN"), False))
    ).as_py()
    assert pc.unique(bands[1].drop_null()).to_pylist() == [2024]
    assert write(
        tmp_path, 20_000, formats=("parquet",), closed=0.38
    ).counts.closed / 20_000 == pytest.approx(0.38, abs=0.02)


def test_rows_abroad_have_a_country_and_no_commune(stock: list[dict[str, Any]]) -> None:
    for row in stock:
        abroad = [
            row[name]
            for name in (
                "codePaysEtrangerEtablissement",
                "libellePaysEtrangerEtablissement",
                "libelleCommuneEtrangerEtablissement",
            )
        ]
        at_home = [
            row[name]
            for name in (
                "codeCommuneEtablissement",
                "libelleCommuneEtablissement",
                "codePostalEtablissement",
            )
        ]
        assert (all(abroad), not any(at_home)) in ((True, True), (False, False))


def test_activities_are_of_their_nomenclature(stock: list[dict[str, Any]]) -> None:
    patterns = {
        "NAFRev2": r"\d\d\.\d\d[A-Z]",
        "NAFRev1": r"\d\d\.\d[A-Z]",
        "NAF1993": r"\d\d\.\d[A-Z]",
        "NAP": r"\d\d\.\d\d",
    }
    for row in stock:
        code, kind = (
            row["activitePrincipaleEtablissement"],
            row["nomenclatureActivitePrincipaleEtablissement"],
        )
        assert pc.match_substring_regex(pa.array([code]), f"^{patterns[kind]}$")[0].as_py(), (
            code,
            kind,
        )
        of_2025 = row["activitePrincipaleNAF25Etablissement"]
        assert (of_2025 is None) == (row["etatAdministratifEtablissement"] == "F")
        assert of_2025 != code


def test_dates_are_told_as_insee_tells_them(
    stock: list[dict[str, Any]], counts: sirene_counts.Counts
) -> None:
    created, began = (
        {row[name] for row in stock} for name in ("dateCreationEtablissement", "dateDebut")
    )
    assert {None, date(1900, 1, 1), date(4, 5, 6), date(2218, 1, 1)} <= created & began
    plausible = [
        row for row in stock if row["dateDebut"] and row["dateDebut"].year not in (4, 2218)
    ]
    assert all(
        row["dateCreationEtablissement"]
        <= row["dateDebut"]
        <= row["dateDernierTraitementEtablissement"].date()
        for row in plausible
    )
    newest = max(row["dateDernierTraitementEtablissement"] for row in stock)
    assert newest == datetime.fromisoformat(counts.newest_treatment)
    first, last = sirene_blocks.last_week(date(2026, 11, 1))
    assert first <= newest.date() <= last < date(2026, 11, 1)


def test_communes_that_are_gone_are_located_in_those_of_today(
    stock: list[dict[str, Any]], locations: list[dict[str, Any]], counts: sirene_counts.Counts
) -> None:
    today = {commune.code for commune in sirene_communes.communes()}
    told = {row["codeCommuneEtablissement"] for row in stock} - {None}
    assert told - today == set(counts.former_codes) == set(sirene_communes.FORMER)
    assert set(counts.former_codes.values()) <= today
    homes = {row["siret"]: row["codeCommuneEtablissement"] for row in stock}
    assert all(
        row["plg_code_commune"] == counts.former_codes.get(homes[row["siret"]], homes[row["siret"]])
        for row in locations
    )


def test_locations_are_in_the_system_they_name(locations: list[dict[str, Any]]) -> None:
    assert {int(row["epsg"]) for row in locations} == TERRITORIES
    for system in TERRITORIES:
        rows = [row for row in locations if row["epsg"] == str(system)]
        x, y, longitude, latitude = (
            np.array([row[name] for row in rows], dtype=float)
            for name in ("x", "y", "x_longitude", "y_latitude")
        )
        into = pyproj.Transformer.from_crs(system, 4326, always_xy=True)
        assert np.allclose(into.transform(x, y), (longitude, latitude), atol=1e-5, rtol=0)
    assert {row["plg_iris"] for row in locations if row["plg_code_commune"] == "01457"} == {"CSZ"}
    assert all(
        len(row["plg_iris"]) == 4 for row in locations if row["plg_iris"] not in ("CSZ", "HZ")
    )
    qualities = Counter(row["qualite_xy"] for row in locations)
    assert qualities.most_common(1)[0][0] == "11"
    assert set(qualities) == {"11", "12", "21", "22", "33"}


def test_every_point_is_in_the_iris_that_is_expected(
    placed: Path, iris: geopandas.GeoDataFrame
) -> None:
    rows = parquet.read_table(placed / f"{LOCATION_NAME}.parquet").to_pandas()
    with (placed / "expected_iris.csv").open(newline="") as file:
        answers = {row["siret"]: row for row in csv.DictReader(file)}
    shapes = dict(zip(iris.code_iris, shapely.make_valid(iris.geometry.values), strict=True))
    in_metres = np.empty((len(rows), 2))
    for system in rows.epsg.unique():
        here = rows.epsg == system
        into = pyproj.Transformer.from_crs(int(system), 4326, always_xy=True)
        in_metres[here] = np.column_stack(
            into.transform(rows.x[here].astype(float), rows.y[here].astype(float))
        )
    for places in (rows[["x_longitude", "y_latitude"]].to_numpy(dtype=float), in_metres):
        for siret, place in zip(rows.siret, shapely.points(places), strict=True):
            assert [code for code, shape in shapes.items() if shape.intersects(place)] == [
                answers[siret]["code_iris"]
            ]
    assert set(rows.siret) == {
        siret for siret, row in answers.items() if row["source"] == "geolocation"
    }
    assert set(iris.code_iris) - {row["code_iris"] for row in answers.values()} == {"010040001"}, (
        "only the sliver has nobody"
    )
    assert set(rows.epsg) == {"2154", "5490"}


def test_the_coordinates_of_the_stock_are_in_the_same_iris(
    placed: Path, iris: geopandas.GeoDataFrame
) -> None:
    rows = {
        row["siret"]: row
        for row in parquet.read_table(placed / f"{STOCK_NAME}.parquet").to_pylist()
    }
    with (placed / "expected_iris.csv").open(newline="") as file:
        answers = [row for row in csv.DictReader(file) if row["source"] == "stock"]
    shapes = dict(zip(iris.code_iris, shapely.make_valid(iris.geometry.values), strict=True))
    assert answers
    for answer in answers:
        row = rows[answer["siret"]]
        system = 5490 if row["codeCommuneEtablissement"].startswith("972") else 2154
        into = pyproj.Transformer.from_crs(system, 4326, always_xy=True)
        metres = [
            float(row[f"coordonneeLambert{axis}Etablissement"]) for axis in ("Abscisse", "Ordonnee")
        ]
        assert shapes[answer["code_iris"]].contains(shapely.Point(into.transform(*metres)))


def test_names_and_codes_come_from_the_areas(placed: Path) -> None:
    rows, counts = (
        parquet.read_table(placed / f"{STOCK_NAME}.parquet").to_pylist(),
        sirene_counts.read(placed),
    )
    here = {"01053", "01004", "97209", "2A004"}
    assert {row["codeCommuneEtablissement"] for row in rows} - {None} == here | set(
        counts.former_codes
    )
    assert not set(counts.former_codes) & here
    assert {
        row["libelleCommuneEtablissement"]
        for row in rows
        if row["codeCommuneEtablissement"] in here
    } == {"L'EVECHE-OEUVRE"}
    corsican = {
        row["codePostalEtablissement"]
        for row in rows
        if (row["codeCommuneEtablissement"] or "").startswith("2A")
    }
    assert all(code == PARTIAL_MASK or code.startswith("20") for code in corsican)


def test_the_archive_of_a_synthetic_france_is_found(
    tmp_path: Path, iris: geopandas.GeoDataFrame
) -> None:
    france = tmp_path / "france"
    france.mkdir()
    iris.to_file(tmp_path / "contours-iris.gpkg", layer="contours_iris")
    for year in (2025, 2026):
        with py7zr.SevenZipFile(france / f"CONTOURS-IRIS_{year}-01-01.7z", "w") as archive:
            archive.write(
                tmp_path / "contours-iris.gpkg",
                f"CONTOURS-IRIS_{year}/1_DONNEES/contours-iris.gpkg",
            )
    found, given = (
        write(tmp_path / name, 500, areas, formats=("csv",))
        for name, areas in (("found", france), ("given", iris))
    )
    assert found.counts == given.counts
    with pytest.raises(ValueError, match=r"contours-iris\.gpkg"):
        write(tmp_path / "none", areas=tmp_path / "found")


def test_several_blocks_are_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sirene_blocks, "ROWS", 700)
    write(tmp_path, 2000)
    sirets = parquet.read_table(tmp_path / f"{STOCK_NAME}.parquet", columns=["siret"])[
        0
    ].to_pylist()
    assert len(sirets) == 2000
    assert (
        sirets
        == sorted(set(sirets))
        == [row[2] for row in cells(tmp_path, STOCK_NAME, ",")[1:] if row]
    )
    assert parquet.ParquetFile(tmp_path / f"{STOCK_NAME}.parquet").num_row_groups == 3


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        write(tmp_path / name, 600, seed=seed)
    files = {path.name: path.read_bytes() for path in sorted((tmp_path / "one").iterdir())}
    assert {path.name: path.read_bytes() for path in sorted((tmp_path / "two").iterdir())} == files
    assert not [
        name
        for name, body in files.items()
        if name != "mirror.json" and (tmp_path / "three" / name).read_bytes() == body
    ]


def test_the_vintage_is_the_year_of_the_month(tmp_path: Path) -> None:
    sources = write(tmp_path, 500, month=date(2025, 2, 1), formats=("csv",))
    assert sorted(sources) == ["fr-sirene-2025", "fr-sirene-geolocation-2025"]
    assert sources["fr-sirene-2025"] == {
        "path": f"{STOCK_NAME}.zip",
        "container": "zip",
        "member": f"{STOCK_NAME}.csv",
        "rows": 500,
    }
    assert sources["fr-sirene-geolocation-2025"]["reads"] == {"delimiter": ";"}
    assert sources.counts.newest_treatment.startswith("2025-01-31")
    with pytest.raises(ValueError, match="formats are parquet and csv"):
        write(tmp_path, formats=("xlsx",))


def test_a_small_one_is_quick(tmp_path: Path) -> None:
    started = time.process_time()
    write(tmp_path)
    assert time.process_time() - started < 10


@pytest.mark.slow
def test_runs_as_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = Path(__file__).parent / "synthetic" / "sirene.py"
    asked = [sys.executable, str(program), "--into", str(tmp_path)]
    done = subprocess.run(
        [*asked, "--establishments", "500", "--formats", "parquet"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "500 synthetic establishments" in done.stdout
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [
        ".json",
        ".json",
        ".parquet",
        ".parquet",
        ".txt",
    ]
    monkeypatch.setattr(
        sys, "argv", ["sirene.py", "--into", str(tmp_path), "--france", str(tmp_path)]
    )
    with pytest.raises(SystemExit):
        sirene.main()
    assert "holds none" in capsys.readouterr().err
