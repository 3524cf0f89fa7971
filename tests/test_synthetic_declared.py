"""Files made from declarations alone, read by the verbs that read the publishers' files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
import shapely
from psycopg2 import sql
from python_calamine import CalamineWorkbook
from synthetic import declared
from synthetic.declared.codes import spelled
from synthetic.declared.rows import as_read

from flows.offices import (
    census_bureau,
    ign,
    insee,
    insee_lists,
    sirene,
    statbel,
    statistik_austria,
)
from flows.offices.insee_movements import movements
from tasks.core.model.columns import Column, code, decimal, integer, number, text
from tasks.core.model.declarations import (
    Document,
    Features,
    Licence,
    Publisher,
    Source,
    Table,
    Total,
)
from tasks.core.model.handles import File, Input, Staging
from tasks.core.upstream import mirrors
from tasks.core.upstream.portals import read_statement
from tasks.running.site import site
from tasks.verbs.checks import check_rows, check_totals
from tasks.verbs.files import unpack_original
from tasks.verbs.originals import archive, download
from tasks.verbs.tables import load_geometries, load_table

COLUMNS = {
    "canton_code": text("canton_identifier", "canton"),
    "duchy_code": text("duchy"),
    "duchy_name": text("name"),
    "people": integer("people"),
    "rate": number("rate"),
    "area": decimal("square_kilometres", "area"),
    "founded": Column(("founded",), "date"),
    "coastal": Column(("coastal",), "boolean"),
}
AREAS = Features(columns=COLUMNS, key="canton_code", crs=25832, published_crs=3035)
FIGURES = Table(
    columns=COLUMNS | {"people": integer("people in all"), "area": decimal("area in km²")},
    key=("canton_code",),
)
UNKNOWN = {"-99997": "not known", "-99995.0": "not computed"}
BY_GDAL = {"****": "absent"}  # as it writes a figure that is missing into a Shapefile
HIDDEN = {"*": "suppressed", "(X)": "not applicable", "n": "none"}
CANTONS = Source(
    slug="zr-cantons",
    vintage=2026,
    title="Cantons",
    publisher=Publisher(slug="office", name="Office", url="https://office.example"),
    licence=Licence(
        slug="open", title="Open", url="https://office.example/open", attribution="Source: Office"
    ),
    landing_page="https://office.example",
    urls=("https://office.example/cantons",),
    container="zip",
    reads=AREAS,
    reference_date=date(2026, 1, 1),
    released="yearly",
    confidence="high",
    totals={"people": Total(expected=0), "area": Total(expected=0)},
    distinct={"duchy_code": 0},
)


def made_of(reads: Features | Table, container: str, member: str = "", url: str = "") -> Source:
    urls = (f"https://office.example/{url or 'cantons'}",)
    return replace(CANTONS, reads=reads, container=container, member=member or None, urls=urls)


def cut(reads: Table, **facts: Any) -> Table:
    return replace(reads, **facts)


FORMATS = {
    "Shapefile in a zip": made_of(AREAS, "zip", "*/cantons_*.shp"),
    "Shapefile in cp1252": made_of(replace(AREAS, encoding="cp1252"), "zip", "*.shp"),
    "GeoPackage": made_of(AREAS, "sqlite", url="cantons.gpkg"),
    "GeoPackage of layers in a 7z": made_of(replace(AREAS, layer="canton*"), "7z", "*/A*/b.gpkg"),
    "SpatiaLite": made_of(AREAS, "sqlite", url="cantons.sqlite"),
    "SpatiaLite in a zip": made_of(replace(AREAS, crs_missing=True), "zip", "*.sqlite"),
    "GeoJSON": made_of(AREAS, "json", url="cantons?outputFormat=application/json"),
    "GeoJSON without CRS": made_of(replace(AREAS, crs=4326, crs_missing=True), "json"),
    "GeoJSON in a gzip": made_of(AREAS, "gzip", url="cantons.geojson.gz"),
    "FlatGeobuf in a zip": made_of(AREAS, "zip", "*.fgb"),
    "GeoParquet with heights": made_of(replace(AREAS, dimension=3), "parquet"),
    "GML": made_of(AREAS, "xml", url="cantons.gml"),
    "KML": made_of(replace(AREAS, crs=4326), "xml", url="cantons.kml"),
    **{
        f"{kind} with hidden {what}": made_of(
            replace(
                AREAS,
                missing=missing | (BY_GDAL if ending == "shp" else {}),
                **({"crs": 4326} if ending == "kml" else {}),
            ),
            container,
            *(("*.shp",) if ending == "shp" else ("", f"cantons.{ending}")),
        )
        for what, missing in {"numbers": UNKNOWN, "figures": HIDDEN | UNKNOWN}.items()
        for kind, container, ending in (
            ("Shapefile", "zip", "shp"),
            ("GeoPackage", "sqlite", "gpkg"),
            ("GeoJSON", "json", "geojson"),
            ("FlatGeobuf", "sqlite", "fgb"),
            ("GeoParquet", "parquet", "parquet"),
            ("GML", "xml", "gml"),
            ("KML", "xml", "kml"),
        )
    },
    "text": made_of(FIGURES, "text"),
    "text of the 1990s": made_of(
        cut(
            FIGURES,
            delimiter=";",
            encoding="cp1252",
            decimal_point=",",
            thousands=" ",
            header_rows=(2, 3),
            skip_rows_after_header=1,
        ),
        "zip",
        "DATA_??.CSV",
    ),
    "text with bars and hidden figures": made_of(
        cut(FIGURES, delimiter="|", quote="", encoding="utf-16", missing=HIDDEN, zero=("n",)),
        "gzip",
    ),
    "text read as it is packed": replace(made_of(FIGURES, "zip", "*.csv"), packed=True),
    "text with filters": made_of(
        cut(
            FIGURES,
            where={"canton": "[CD]-*", "year": "2026"},
            missing=HIDDEN,
            reasons_in="why",
        ),
        "text",
    ),
    "XLSX": made_of(cut(FIGURES, sheet="Table 1", header_rows=(3, 4), missing=HIDDEN), "xlsx"),
    "ODS": made_of(cut(FIGURES, skip_rows_after_header=2), "ods"),
    "XLS": made_of(FIGURES, "xls"),
    "XLSX in a zip": made_of(FIGURES, "zip", "*.xlsx"),
    "Parquet": made_of(FIGURES, "parquet"),
    "Parquet with hidden figures": made_of(cut(FIGURES, missing=HIDDEN), "parquet"),
}
COUNTIES = {"geo_id": "0500000US?????"}
OFFICES: dict[str, tuple[Mapping[str, Source], dict[str, Any]]] = {
    "Statbel, GeoJSON": (
        {
            "shapes": statbel.sectors(2024),
            "population": statbel.population(2024),
            "income": statbel.income(2024),
        },
        {"codes": {"sector_code": "0????A??-"}},
    ),
    "Statbel, Shapefile": (
        {"shapes": statbel.sectors(2021), "population": statbel.population(2021)},
        {},
    ),
    "Insee, 7z of projections": (
        {
            "shapes": ign.iris(2023)[""],
            **insee.figures(2023),
            "postal_codes": insee_lists.postal_codes(2023),
            "movements": movements(2023),
        },
        {"areas": 36},
    ),
    "Insee, 7z of degrees": ({"shapes": ign.iris(2026)[""]}, {}),
    "Insee, 7z of a territory": ({"shapes": ign.iris(2025)["guf"]}, {}),
    "Insee, SIRENE": (
        {"stock": sirene.stock(2026), "geolocation": sirene.geolocation(2026)},
        {"codes": {"siret": "0?????????????"}},
    ),
    "Census Bureau": (
        {
            "shapes": census_bureau.counties(2023),
            **census_bureau.surveys(2023),
            "estimates": census_bureau.county_estimates(2023),
            "income": census_bureau.subject_table(2023),
        },
        {"codes": COUNTIES},
    ),
    "Statistik Austria": (
        {
            "shapes": statistik_austria.municipalities(2024),
            **statistik_austria.residents(2024),
            "employment": statistik_austria.employment(2024),
        },
        {"values": {"sex_code": ("C11-1", "C11-2")}},
    ),
}


def made(folder: Path, sources: Mapping[str, Source], **facts: Any) -> dict[str, list[Any]]:
    """Files of the sources; gives the rows that are in them, by keyword."""
    kept: dict[str, list[Any]] = {name: [] for name in sources}

    def keep(name: str) -> declared.Change:
        return lambda rows: kept[name].extend(rows) or rows

    declared.write(folder, sources, changes={name: keep(name) for name in sources}, **facts)
    return kept


def received(source: Source, folder: Path) -> tuple[File, ...]:
    """The files of a source that its mirror stands in for, archived and unpacked."""
    return unpack_original.fn(archive.fn(download.fn(mirrors.apply(source, str(folder)))))


def loaded(staging: Staging, name: str, files: tuple[File, ...]) -> list[tuple[Any, ...]]:
    """The rows of a source as they are in the database, which its numbers were held against."""
    found = []
    for file in files:
        load = load_geometries if isinstance(file.reads, Features) else load_table
        load.fn(staging, file, name)
        columns = sql.SQL(", ").join(map(sql.Identifier, file.reads.columns))
        with site().database.session(staging.schema) as cursor:
            cursor.execute(sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(name)))
            found += cursor.fetchall()
    if not files[0].part:
        check_rows.fn(staging, Input(name=name, original=files[0].original))
        check_totals.fn(staging, Input(name=name, original=files[0].original))
    return found


def typed(rows: list[Any], reads: Features | Table) -> list[tuple[Any, ...]]:
    """The rows as they must be in the database."""
    return [tuple(as_read(row[name], reads, name) for name in reads.columns) for row in rows]


def agree(staging: Staging, folder: Path, sources: Mapping[str, Source], **facts: Any) -> None:
    rows = made(folder, sources, **facts)
    for name, source in sources.items():
        found = loaded(staging, name, received(source, folder))
        assert sorted(found, key=repr) == sorted(typed(rows[name], source.reads), key=repr)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_value_for_value(staging: Staging, tmp_path: Path, name: str) -> None:
    codes = {"canton_code": "C-0??"}
    source = replace(FORMATS[name], slug=f"zr-{list(FORMATS).index(name)}")
    agree(staging, tmp_path, {"shapes": source}, codes=codes)


@pytest.mark.parametrize("name", OFFICES)
def test_what_the_offices_declare_is_enough(staging: Staging, tmp_path: Path, name: str) -> None:
    sources, facts = OFFICES[name]
    agree(staging, tmp_path, sources, **facts)


def test_codes_agree_between_sources_and_lead_up_to_larger_areas(tmp_path: Path) -> None:
    reads = Table(columns={"duchy_code": text("D"), "tax": integer("T")}, key=("duchy_code",))
    classes = {"canton_code": text("C"), "sex": text("S"), "year": integer("Y"), "n": integer("N")}
    by_class = Table(columns=classes, key=("canton_code", "sex", "year"), where={"Y": "2025"})
    sources = {
        "shapes": CANTONS,
        "taxes": replace(CANTONS, slug="zr-taxes", reads=reads),
        "classes": replace(CANTONS, slug="zr-classes", reads=by_class),
    }
    rows = made(tmp_path, sources, codes={"duchy_code": "D?"}, values={"sex": ("f", "m")})
    duchies = {row["canton_code"]: (row["duchy_code"], row["duchy_name"]) for row in rows["shapes"]}
    assert list(duchies) == [f"0{number:04}" for number in range(1, 17)]
    assert sorted({*duchies.values()}) == [
        ("D1", "Weiler 1"),
        ("D2", "Übersee 2"),
        ("D3", "Sankt Ägid 3"),
        ("D4", "Straßfeld 4"),
    ]
    assert [row["duchy_code"] for row in rows["taxes"]] == ["D1", "D2", "D3", "D4"]
    assert len(rows["classes"]) == 32
    assert {(row["sex"], row["year"]) for row in rows["classes"]} == {("f", 2025), ("m", 2025)}
    duchy = shapely.union_all([row["geom"] for row in rows["shapes"] if row["duchy_code"] == "D2"])
    assert (duchy.geom_type, duchy.area) == ("Polygon", 4e6)


def test_a_mapping_of_sources_shares_the_areas_out(tmp_path: Path) -> None:
    states = {name: replace(CANTONS, slug=f"zr-{name}") for name in ("01", "02", "72")}
    entries = declared.write(tmp_path, {"shapes": states}, areas=20)
    assert [entry["rows"] for entry in entries.values()] == [6, 7, 7]
    with pytest.raises(ValueError, match="2 areas are too few for 3 files: ask for more areas"):
        declared.write(tmp_path, {"shapes": states}, areas=2)


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    sources = {
        name: replace(each, slug=f"zr-{number}")
        for number, (name, each) in enumerate(FORMATS.items())
        if not name.startswith("SpatiaLite")
    }
    for folder in ("once", "twice"):
        declared.write(tmp_path / folder, sources)
    for once in sorted((tmp_path / "once").iterdir()):
        assert once.read_bytes() == (tmp_path / "twice" / once.name).read_bytes(), once.name
    first = {"shapes": FORMATS["text"]}
    assert declared.write(tmp_path, first) != declared.write(tmp_path, first, seed=2)


def test_peculiar_rows_are_written_by_hand_and_counted_as_they_are(tmp_path: Path) -> None:
    def peculiar(rows: list[Any]) -> list[Any]:
        return [*({**row, "people": 10} for row in rows[:3]), {**rows[3], "people": "*"}]

    source = replace(made_of(cut(FIGURES, missing=HIDDEN), "text"), slug="zr-peculiar")
    entries = declared.write(tmp_path, {"figures": source}, changes={"figures": peculiar})
    entry = json.loads((tmp_path / "mirror.json").read_text())["sources"]["zr-peculiar-2026"]
    assert entry == entries["zr-peculiar-2026"]
    assert (entry["rows"], entry["totals"]["people"]) == (4, 30.0)


@pytest.mark.parametrize("missing", [UNKNOWN, HIDDEN], ids=["numbers", "texts"])
def test_markers_stand_in_layers_and_are_left_out_of_what_is_stated(
    staging: Staging, tmp_path: Path, missing: Mapping[str, str]
) -> None:
    reads = replace(AREAS, missing=missing)
    source = replace(made_of(reads, "sqlite", url="cantons.gpkg"), slug="zr-hidden")
    source = replace(source, distinct={"people": 0})
    rows = made(tmp_path / "made", {"shapes": source}, areas=64)["shapes"]
    people = [row["people"] for row in rows]
    assert {*missing} <= {*people}

    def by_hand(rows: list[Any]) -> list[Any]:
        rows = [{**row, "people": number} for number, row in enumerate(rows)]
        return [rows[0] | {"people": -99997}, rows[1] | {"people": next(iter(missing))}, *rows[2:]]

    entries = declared.write(tmp_path, {"shapes": source}, changes={"shapes": by_hand})
    hidden = "-99997" in missing
    assert entries["zr-hidden-2026"] == {
        "path": "zr-hidden-2026.gpkg",
        "container": "sqlite",
        "rows": 16,
        "totals": {"people": sum(range(2, 16)) - 99997.0 * (not hidden), "area": ANY},
        "distinct": {"people": 14 + (not hidden)},
    }
    found = loaded(staging, "cantons", received(source, tmp_path))
    assert sorted(row[3] for row in found if row[3] is not None)[-14:] == list(range(2, 16))


def test_codes_in_parts_lose_their_zeros_and_get_them_back(
    staging: Staging, tmp_path: Path
) -> None:
    reads = Table(
        columns={"geoid": code(("STATE", 2), ("COUNTY", 3)), "n": integer("N")}, key=("geoid",)
    )
    source = replace(made_of(reads, "text"), slug="zr-parts")
    agree(staging, tmp_path, {"counties": source})
    assert (tmp_path / "zr-parts-2026.csv").read_text().splitlines()[:2][1].startswith("0,1,")


def test_a_portal_says_what_is_declared(tmp_path: Path) -> None:
    source = replace(
        CANTONS, slug="zr-said", container="json", reads=Document(standard="OGD Austria Metadata")
    )
    declared.write(tmp_path, {"said": source})
    (file,) = received(source, tmp_path)
    assert str(read_statement(file)) == "Open, 'Source: Office', last modified 2026-01-01"


def test_several_tables_of_one_original_are_its_sheets(staging: Staging, tmp_path: Path) -> None:
    sheets: Any = {name: cut(FIGURES, sheet=name.title()) for name in ("men", "women")}
    source = replace(CANTONS, slug="zr-book", container="xlsx", reads=sheets)
    declared.write(tmp_path, {"people": source}, codes={"canton_code": "C-??"})
    men, women = received(source, tmp_path)
    assert len(loaded(staging, "men", (men,))) == len(loaded(staging, "women", (women,))) == 16
    names = CalamineWorkbook.from_path(tmp_path / "zr-book-2026.xlsx").sheet_names
    assert names == ["Read me", "Men", "Women"]


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'A\?' has no room for 10 codes: add a '\?'"):
        declared.write(tmp_path, {"shapes": CANTONS}, codes={"canton_code": "A?"})
    with pytest.raises(ValueError, match="No tar can be made for zr-cantons: declare one of zip"):
        declared.write(tmp_path, {"shapes": replace(CANTONS, container="tar")})
    with pytest.raises(ValueError, match="gzip, which holds one file"):
        declared.write(tmp_path, {"shapes": made_of(AREAS, "gzip", url="cantons.shp.gz")})


@pytest.mark.parametrize(
    ("pattern", "number", "written"),
    [("0?-??", 7, "00-07"), ("[BC]*", 7, "B00007"), ("2A???", 12, "2A012"), ("*", 3, "00003")],
)
def test_patterns_are_spelled(pattern: str, number: int, written: str) -> None:
    assert spelled(pattern, number) == written
