"""The synthetic Belgium is in Statbel's formats, says true numbers of itself, and is the same every
time.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
from synthetic import country, figures, places
from synthetic.belgium import write
from synthetic.defects import Defects

CODE = re.compile(r"^\d{5}[0-9A-Z]{3}[0-9A-Z-]$")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("belgium")
    write(made, vintages=(2018, 2020, 2024, 2025))
    return made


def member(path: Path) -> tuple[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return name, archive.read(name)


def table(path: Path) -> list[dict[str, str]]:
    text = member(path)[1].decode("utf-8-sig")
    return list(
        csv.DictReader(io.StringIO(text, newline=""), delimiter="|", quoting=csv.QUOTE_NONE)
    )


def sectors(folder: Path, vintage: int) -> list[dict[str, Any]]:
    body = member(folder / f"sh_statbel_statistical_sectors_31370_{vintage}0101.geojson.zip")[1]
    return [feature["properties"] for feature in json.loads(body)["features"]]


def mirror(folder: Path) -> dict[str, Any]:
    stated: dict[str, Any] = json.loads((folder / "mirror.json").read_text())
    return stated


def unpacked(folder: Path, name: str, into: Path) -> Path:
    with zipfile.ZipFile(folder / name) as archive:
        archive.extractall(into)
    (path,) = (
        path for path in into.rglob("*") if path.is_file() and path.suffix in (".shp", ".sqlite")
    )
    return path


@pytest.mark.parametrize(
    "name",
    [
        "OPENDATA_SECTOREN_2024",
        "OPENDATA_SECTOREN_2025_NEW",
        "TF_PSNL_INC_TAX_SECTOR",
        "TF_PSNL_INC_TAX_MUNTY",
        "TF_PSNL_INC_TAX_MUNTY_2023",
    ],
)
def test_tables_are_pipes_without_quotes_in_utf8_with_mark_and_crlf(
    folder: Path, name: str
) -> None:
    inside, body = member(folder / f"{name}.zip")
    assert inside == f"{name}.txt"
    assert body.startswith(b"\xef\xbb\xbf")
    assert body.endswith(b"\r\n")
    assert body.count(b"\r\n") == body.count(b"\n")
    assert b'"' not in body
    lines = body.decode("utf-8-sig").split("\r\n")[:-1]
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


def test_geojson_is_one_feature_a_line_in_a_folder_of_its_name(folder: Path) -> None:
    name = "sh_statbel_statistical_sectors_31370_20240101.geojson"
    inside, body = member(folder / f"{name}.zip")
    assert inside == f"{name}/{name}"
    parsed = json.loads(body)
    assert parsed["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::31370"
    features = [
        line for line in body.decode().splitlines() if line.startswith('{ "type": "Feature"')
    ]
    assert len(features) == len(parsed["features"]) == 120
    assert {feature["geometry"]["type"] for feature in parsed["features"]} == {"MultiPolygon"}


def test_columns_are_those_of_the_real_files(folder: Path, real_files: Path) -> None:
    real = pyogrio.read_info(
        real_files / "belgium" / "sh_statbel_statistical_sectors_31370_20220101_brussels.gpkg"
    )
    assert list(sectors(folder, 2024)[0]) == list(real["fields"])
    header = member(real_files / "belgium" / "TF_PSNL_INC_TAX_MUNTY.zip")[1].split(b"\r\n")[0]
    assert member(folder / "TF_PSNL_INC_TAX_MUNTY.zip")[1].split(b"\r\n")[0] == header


def test_codes_are_as_published(folder: Path) -> None:
    rows = sectors(folder, 2024)
    codes = [row["cd_sector"] for row in rows]
    assert len(set(codes)) == len(codes)
    assert all(CODE.match(code) for code in codes)
    assert 0.3 < np.mean([code.endswith("-") for code in codes]) < 0.7
    assert any(code.endswith("X0JQ") for code in codes)
    assert any(row["cd_sector"][:5] != row["cd_munty_refnis"] for row in rows)
    assert {row["cd_rgn_refnis"] for row in rows} == {"02000", "03000", "04000"}
    assert all((row["cd_prov_refnis"] is None) == (row["cd_rgn_refnis"] == "04000") for row in rows)
    names = " ".join(str(name) for row in rows for name in row.values())
    assert all(letter in names for letter in "éèüÉ")


def test_each_area_has_one_parent(folder: Path) -> None:
    for below, above in (
        ("cd_munty_refnis", "cd_dstr_refnis"),
        ("cd_dstr_refnis", "cd_prov_refnis"),
        ("cd_prov_refnis", "cd_rgn_refnis"),
    ):
        parents: dict[str | None, set[str | None]] = {}
        for row in sectors(folder, 2024):
            parents.setdefault(row[below], set()).add(row[above])
        assert all(len(each) == 1 for each in parents.values())


def test_the_reform_of_2025_renumbers_a_fifth_and_merges_municipalities() -> None:
    made = country.build(40, 1000, Defects(), 1)
    before, after = (
        {sector.code_at(vintage) for sector in made.at(vintage)} for vintage in (2024, 2025)
    )
    assert 0.15 < len(before - after) / len(before) < 0.25
    assert len(before) == len(after) == 1000
    merged = {sector.areas_at(2025).municipality for sector in made.at(2025)}
    assert {"11002", "46030", "82039"} <= merged
    assert len(merged) < len({sector.areas_at(2024).municipality for sector in made.at(2024)}) == 40


def test_residents_are_on_the_sectors_of_their_year_or_unlocated(folder: Path) -> None:
    for vintage, name in ((2024, "OPENDATA_SECTOREN_2024"), (2025, "OPENDATA_SECTOREN_2025_NEW")):
        rows = table(folder / f"{name}.zip")
        assert list(rows[0]) == list(figures.POPULATION)
        unlocated = {row["CD_SECTOR"] for row in rows if row["CD_SECTOR"].endswith("ZZZZ")}
        known = {row["cd_sector"]: row["cd_munty_refnis"] for row in sectors(folder, vintage)}
        assert {row["CD_SECTOR"] for row in rows} - unlocated < known.keys()
        assert all(
            known[row["CD_SECTOR"]] == row["CD_REFNIS"] for row in rows if row["CD_SECTOR"] in known
        )
        assert unlocated
        assert {code[:5] for code in unlocated} <= set(known.values())
        assert not any(row["CD_SECTOR"].endswith("X0JQ") for row in rows)


def test_income_is_on_the_old_sectors_with_a_sixth_suppressed() -> None:
    made = country.build(40, 1000, Defects(), 1)
    rows = list(figures.sector_income(made, 2023))
    width = len(figures.SECTOR_INCOME)
    assert {len(row) for row in rows} == {width}
    assert {row[4] for row in rows} <= {sector.code for sector in made.at(2024)}
    assert 0.12 < np.mean([row[8] == "*" for row in rows]) < 0.20
    assert all((row[8] == "*") == (row[width - 1] == "*") for row in rows)
    assert all(row[7] != "*" for row in rows)


def test_sums_that_hold_in_the_published_municipal_series_hold_here(folder: Path) -> None:
    rows = table(folder / "TF_PSNL_INC_TAX_MUNTY.zip")
    assert {row["CD_YEAR"] for row in rows} == {str(year) for year in range(2005, 2014)}
    assert {row["CD_MUNTY_REFNIS"] for row in rows} == {place.code for place in places.choose(12)}
    for row in rows:
        cents = {name: round(float(row[name]) * 100) for name in figures.PER_RESIDENT}
        assert (
            cents["MS_TOT_NET_TAXABLE_INC"]
            == cents["MS_SEP_TAXABLE_INC"] + cents["MS_JOINT_TAXABLE_INC"]
        )
        assert (
            cents["MS_TOT_NET_INC"]
            == cents["MS_TOT_NET_TAXABLE_INC"] + cents["MS_TOT_DEDUCT_SPEND"]
        )
        assert (
            cents["MS_TOT_TAXES"]
            == cents["MS_TOT_STATE_TAXES"]
            + cents["MS_TOT_MUNICIP_TAXES"]
            + cents["MS_TOT_SUBURBS_TAXES"]
        )


def test_incomes_of_municipalities_hold_those_of_their_sectors(folder: Path) -> None:
    rows = table(folder / "TF_PSNL_INC_TAX_MUNTY_2023.zip")
    sectors_of = table(folder / "TF_PSNL_INC_TAX_SECTOR.zip")
    for year in (2016, 2018, 2022, 2023):
        own = {row["CD_MUNTY_REFNIS"]: row for row in rows if row["CD_YEAR"] == str(year)}
        assert set(own) == {row["cd_munty_refnis"] for row in sectors(folder, 2024)}
        for code, row in own.items():
            parts = [
                part
                for part in sectors_of
                if (part["CD_YEAR"], part["CD_MUNTY_REFNIS"]) == (str(year), code)
            ]
            known = sum(
                float(part["MS_TOT_NET_TAXABLE_INC"])
                for part in parts
                if part["MS_TOT_NET_TAXABLE_INC"] != "*"
            )
            assert known < float(row["MS_TOT_NET_TAXABLE_INC"])
            declared = sum(int(part["MS_NBR_NON_ZERO_INC"]) for part in parts)
            assert declared < int(row["MS_NBR_NON_ZERO_INC"])


def test_the_mirror_states_the_numbers_of_its_files(folder: Path) -> None:
    stated = mirror(folder)
    assert stated["label"] == "synthetic-belgium"
    assert "Synthetic" in stated["about"]
    assert "Synthetic" in (folder / "README.txt").read_text()
    sources = stated["sources"]
    assert all((folder / source["path"]).is_file() for source in sources.values())
    for vintage in (2018, 2020, 2024, 2025):
        rows = table(folder / sources[f"be-population-{vintage}"]["path"])
        assert len(rows) == sources[f"be-population-{vintage}"]["rows"]
        assert (
            sum(int(row["TOTAL"]) for row in rows)
            == sources[f"be-population-{vintage}"]["totals"]["population"]
        )
        income = [
            row
            for row in table(folder / sources[f"be-income-{vintage}"]["path"])
            if row["CD_YEAR"] == str(vintage - 2)
        ]
        assert len(income) == sources[f"be-income-{vintage}"]["rows"] > 0
    assert len(sectors(folder, 2025)) == sources["be-sectors-2025"]["rows"]
    series = sources["be-municipal-income-2011"]
    rows = table(folder / series["path"])
    newest = [row for row in rows if row["CD_YEAR"] == "2013"]
    assert len(rows) == series["rows"]
    assert sum(int(row["MS_TOT_RESIDENTS"]) for row in newest) == series["totals"]["residents"]
    assert sum(round(float(row["MS_TOT_NET_TAXABLE_INC"]) * 100) for row in newest) == round(
        series["totals"]["net_taxable_income"] * 100
    )


@pytest.mark.parametrize(("vintage", "region"), [(2018, "CNIS_REGIO"), (2020, "C_REGIO")])
def test_older_vintages_are_shapefiles_under_the_names_of_the_readme(
    folder: Path, tmp_path: Path, vintage: int, region: str
) -> None:
    path = unpacked(folder, f"sh_statbel_statistical_sectors_{vintage}0101.shp.zip", tmp_path)
    information = pyogrio.read_info(path)
    assert {
        f"CS0101{vintage}",
        f"CNIS5_{vintage}",
        "T_MUN_NL",
        "T_SEC_FR",
        region,
        "M_AREA_HA",
    } <= set(information["fields"])
    assert all(len(name) <= 10 for name in information["fields"])
    assert (information["geometry_type"], information["encoding"]) == ("Polygon Z", "UTF-8")
    assert "Belge_Lambert_1972" in path.with_suffix(".prj").read_text()
    assert "EPSG" not in path.with_suffix(".prj").read_text()
    assert information["features"] == mirror(folder)["sources"][f"be-sectors-{vintage}"]["rows"]


def test_beaches_came_in_2019() -> None:
    made = country.build(12, 120, Defects(), 1)
    beaches = [sector for sector in made.at(2019) if sector.beach]
    assert beaches
    assert len(made.at(2018)) == len(made.at(2019)) - len(beaches)
    assert all(sector.residents == 0 for sector in beaches)


def test_sectors_of_2011_are_spatialite_without_a_declared_crs(
    folder: Path, tmp_path: Path
) -> None:
    path = unpacked(folder, "sh_statbel_spatialite.zip", tmp_path)
    assert path.name == "sh_statbel_statistical_sectors.sqlite"
    read = pyogrio.read_dataframe(path)
    assert read.crs is None
    assert len(read) == mirror(folder)["sources"]["be-sectors-2011"]["rows"]
    assert set(read["cd_munty_refnis"]) == {place.code for place in places.choose(12)}
    assert read.geometry.is_valid.all()
    assert pyogrio.read_info(path)["geometry_name"].upper() == "GEOMETRY"


def test_too_many_municipalities_is_said() -> None:
    with pytest.raises(ValueError, match="at most"):
        places.choose(600)


def test_a_municipality_has_no_more_sectors_than_codes() -> None:
    chosen = places.choose(2)
    limit = country.PER_LETTER * len(country.LETTERS)
    for sectors in (300, 4200, limit * len(chosen)):
        shares = country._shares(chosen, sectors)
        assert shares.sum() == sectors
        assert shares.max() <= limit
    with pytest.raises(ValueError, match=f"at most {limit * len(chosen):,} sectors"):
        country._shares(chosen, limit * len(chosen) + 1)


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        write(tmp_path / name, vintages=(2021, 2025), defects=Defects(2, 2, 2, 1), seed=seed)
    files = {path.name: path.read_bytes() for path in sorted((tmp_path / "one").iterdir())}
    assert {path.name: path.read_bytes() for path in sorted((tmp_path / "two").iterdir())} == files
    assert all((tmp_path / "three" / name).read_bytes() != body for name, body in files.items())


def test_the_small_country_is_quick(tmp_path: Path) -> None:
    started = time.process_time()
    write(tmp_path)
    assert time.process_time() - started < 5


@pytest.mark.slow
def test_runs_as_a_program(tmp_path: Path) -> None:
    program = Path(__file__).parent / "synthetic" / "belgium.py"
    asked = [
        sys.executable,
        str(program),
        "--into",
        str(tmp_path),
        "--municipalities",
        "12",
        "--sectors",
        "120",
    ]
    done = subprocess.run(
        [*asked, "--vintages", "2024"], capture_output=True, text=True, check=True
    )
    assert "synthetic" in done.stdout
    assert (tmp_path / "mirror.json").exists()
    refused = subprocess.run(
        [*asked, "--municipalities", "9000"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "at most" in refused.stderr
