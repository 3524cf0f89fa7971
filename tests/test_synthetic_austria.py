"""The synthetic Austria is in Statistik Austria's formats, says true numbers of itself, and is the
same every time.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from synthetic import austria_country as country
from synthetic import austria_figures as figures
from synthetic import austria_places as places
from synthetic.austria import TOTAL, write
from synthetic.defects import Defects

from tasks.core.upstream import mirrors, stand_ins

VINTAGES = (2016, 2019, 2025)
VIENNA = {f"9{district:02d}01" for district in range(1, 24)}
SLUGS = (
    "at-districts at-employment at-employment-metadata at-municipalities at-municipalities-metadata"
    " at-population at-population-ages at-population-header at-population-metadata"
    " at-population-municipalities at-population-sexes at-postal-codes at-typology at-urbanisation"
).split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("austria")
    write(made, vintages=VINTAGES)
    return made


def sources(folder: Path) -> dict[str, Any]:
    stated: dict[str, Any] = json.loads((folder / "mirror.json").read_text(encoding="utf-8"))[
        "sources"
    ]
    return stated


def content(folder: Path, name: str) -> bytes:
    return (folder / sources(folder)[name]["path"]).read_bytes()


def table(folder: Path, name: str, delimiter: str = ";") -> list[dict[str, str]]:
    text = content(folder, name).decode("utf-8")
    return list(
        csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE)
    )


def layer(folder: Path, name: str) -> dict[str, shapely.MultiPolygon]:
    features = json.loads(content(folder, name))["features"]
    return {
        feature["properties"]["g_id"]: shapely.from_geojson(json.dumps(feature["geometry"]))
        for feature in features
    }


def codes_at(vintage: int, municipalities: int = 2092) -> set[str]:
    return {piece.code_at(vintage) for piece in places.choose(municipalities)}


@pytest.mark.parametrize("name", ["at-municipalities-2025", "at-districts-2016"])
def test_layers_are_one_line_of_geojson_as_a_geoserver_gives_it(folder: Path, name: str) -> None:
    body, parsed = content(folder, name), json.loads(content(folder, name))
    assert b"\n" not in body
    expected = [
        "type",
        "features",
        "totalFeatures",
        "numberMatched",
        "numberReturned",
        "timeStamp",
        "crs",
        "bbox",
    ]
    assert list(parsed) == expected
    count = len(parsed["features"])
    assert (
        parsed["totalFeatures"]
        == parsed["numberMatched"]
        == parsed["numberReturned"]
        == count
        == sources(folder)[name]["rows"]
    )
    assert parsed["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::31287"
    file = Path(sources(folder)[name]["path"]).stem
    for feature in parsed["features"]:
        assert list(feature) == ["type", "id", "geometry", "geometry_name", "properties", "bbox"]
        assert list(feature["properties"]) == ["g_id", "g_name"]
        assert feature["id"] == f"{file}.{feature['properties']['g_id']}"
        assert (feature["geometry"]["type"], feature["geometry_name"]) == ("MultiPolygon", "geom")
    codes = [feature["properties"]["g_id"] for feature in parsed["features"]]
    assert codes == sorted(set(codes))


def test_gdal_reads_the_layer_in_the_publishers_crs(folder: Path) -> None:
    path = folder / sources(folder)["at-municipalities-2025"]["path"]
    information = pyogrio.read_info(path)
    assert (information["crs"], information["features"]) == ("EPSG:31287", 82)
    xmin, ymin, xmax, ymax = information["total_bounds"]
    assert xmin >= 112_000
    assert ymin >= 282_000
    assert xmax <= 684_000
    assert ymax <= 570_000


def test_municipalities_are_real_codes_with_vienna_as_its_districts(folder: Path) -> None:
    for vintage in VINTAGES:
        codes = set(layer(folder, f"at-municipalities-{vintage}"))
        assert all(re.fullmatch(r"[1-9]\d{4}", code) for code in codes)
        assert {code for code in codes if code.startswith("9")} == VIENNA
        assert {code[0] for code in codes} == set(places.STATES)
    names = {
        feature["properties"]["g_name"]
        for feature in json.loads(content(folder, "at-municipalities-2025"))["features"]
    }
    assert {"Wien-Innere Stadt", "Eisenstadt", "Vorderweißenbach"} <= names


def test_every_municipality_that_changed_its_code_is_there(folder: Path) -> None:
    before, between, after = (
        set(layer(folder, f"at-municipalities-{vintage}")) for vintage in VINTAGES
    )
    assert set(places.WIEN_UMGEBUNG) <= before
    assert set(places.WIEN_UMGEBUNG.values()) <= between
    assert not before & set(places.WIEN_UMGEBUNG.values())
    assert {"40803", "41301", "61056", "62347", "70327", "62252"} <= before
    assert {
        "40835",
        "41628",
        "41345",
        "41346",
        "61056",
        "61058",
        "62347",
        "70330",
        "62267",
    } <= between
    assert {"40835", "41628", "41345", "41346", "61060", "61061", "70370", "62280"} <= after
    assert not after & {"40819", "41302", "62347", "61056", "70341", "62252", "62267"}
    assert (len(before), len(between), len(after)) == (90, 86, 82)


def test_borders_stay_where_they_are_over_the_vintages(folder: Path) -> None:
    before, between, after = (layer(folder, f"at-municipalities-{vintage}") for vintage in VINTAGES)
    assert all(before[code].equals(shape) for code, shape in after.items() if code in before)
    assert before["32408"].equals(after["32144"])
    assert after["40835"].area == pytest.approx(before["40803"].area + before["40819"].area)
    assert after["70370"].equals(
        shapely.union_all([between[code] for code in ("70327", "70330", "70341")])
    )
    divided = shapely.union_all([before[code] for code in ("61056", "61058", "62347")])
    assert divided.equals(shapely.union_all([after["61060"], after["61061"]]))
    assert all(
        shapely.intersection(before["62347"], after[code]).area > 1e6 for code in ("61060", "61061")
    )


def test_without_defects_the_municipalities_are_a_clean_coverage(folder: Path) -> None:
    for vintage in VINTAGES:
        shapes = np.array(list(layer(folder, f"at-municipalities-{vintage}").values()))
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes)
        assert len(shapely.get_parts(shapely.coverage_union_all(shapes))) == 1


def test_districts_and_states_are_groups_of_municipalities(folder: Path) -> None:
    for vintage in VINTAGES:
        members: dict[str, list[shapely.MultiPolygon]] = defaultdict(list)
        for code, shape in layer(folder, f"at-municipalities-{vintage}").items():
            members[code[:3]].append(shape)
        districts = layer(folder, f"at-districts-{vintage}")
        assert districts.keys() == members.keys()
        assert ("324" in districts) == (vintage < 2017)
        assert all(
            districts[code].equals(shapely.coverage_union_all(shapes))
            for code, shapes in members.items()
        )
        states = [
            shapely.coverage_union_all(
                [shape for code, shape in districts.items() if code.startswith(state)]
            )
            for state in places.STATES
        ]
        assert sum(len(shapely.get_parts(state)) for state in states) <= 12


def test_defects_are_injected_where_no_municipality_is_ever_dissolved() -> None:
    made = country.build(60, Defects(3, 3, 3, 1), 1)
    faulty = {
        piece.code_2015
        for piece, shape in zip(made.pieces, made.shapes, strict=True)
        if not shapely.is_valid(shape)
    }
    assert len(faulty) == 3
    changed = {
        number
        for number in range(len(made.pieces))
        if not made.shapes[number].equals_exact(made.clean_shapes[number], 0.0)
    }
    assert len(changed) == 10
    lakes = {number for number in changed if shapely.get_num_interior_rings(made.shapes[number])}
    for vintage in (2015, 2019, 2025):
        for municipality in made.at(vintage):
            if set(municipality.pieces) & (changed - lakes):
                assert len(municipality.pieces) == 1
                assert not municipality.code.startswith("9")


def test_codes_and_names_are_those_of_the_real_lists(real_files: Path) -> None:
    austria = real_files / "austria"
    with (austria / "gemeinden_typology.csv").open(encoding="utf-8") as file:
        listed = {
            row["municipality_code"]: row["municipality_name"] for row in csv.DictReader(file)
        }
    assert codes_at(2023) == set(listed)
    assert all(
        places.municipality_name(code) == name
        for code, name in listed.items()
        if not code.startswith("9")
    )
    with (austria / "OGDEXT_AEST_GEMTAB_1.csv").open(encoding="utf-8") as file:
        of_2015 = {
            row["GCD"]: row["GEM_NAME"]
            for row in csv.DictReader(file, delimiter=";")
            if row["JAHR"] == "2015"
        }
    assert codes_at(2015) == set(of_2015)
    assert all(
        places.municipality_name(code) == name
        for code, name in of_2015.items()
        if code not in listed
    )
    of_2021 = {
        feature["properties"]["iso"]
        for feature in json.loads(
            (austria / "STATISTIK_AUSTRIA_GEM_20210101_simplified995.geojson").read_text(
                encoding="utf-8"
            )
        )["features"]
    }
    assert codes_at(2021) == of_2021 - {"90001"}
    assert [len(codes_at(vintage)) for vintage in (2015, 2021, 2023, 2025)] == [
        2122,
        2117,
        2115,
        2114,
    ]
    assert len({code[:3] for code in codes_at(2025)}) == 116


def test_population_has_the_prefixes_and_the_header_of_the_real_files(
    folder: Path, real_files: Path
) -> None:
    real = real_files / "austria"
    name = "OGD_bevstandjbab2002_BevStand_2025"
    assert (
        content(folder, "at-population-header-2025") == (real / f"{name}_HEADER.csv").read_bytes()
    )
    assert (
        content(folder, "at-population-2025").splitlines()[0]
        == (real / f"{name}_head60.csv").read_bytes().splitlines()[0]
    )
    rows = table(folder, "at-population-2025")
    assert {row["C-A10-0"] for row in rows} == {"A10-2025"}
    assert {row["C-C11-0"] for row in rows} == {"C11-1", "C11-2"}
    assert {row["C-GALTEJ112-0"] for row in rows} == {
        *(f"GALTEJ112-{age}" for age in range(1, 101)),
        "GALT5J100-21",
    }
    assert all(re.fullmatch(r"GRGEMAKT-\d{5}", row["C-GRGEMAKT-0"]) for row in rows)
    assert all(int(row["F-ISIS-1"]) > 0 for row in rows)
    assert len(rows) < 82 * 2 * 101
    assert len({tuple(row.values())[:4] for row in rows}) == len(rows)


def test_population_of_all_years_is_on_the_newest_municipalities(folder: Path) -> None:
    newest = set(layer(folder, "at-municipalities-2025"))
    for vintage in VINTAGES:
        assert {
            row["C-GRGEMAKT-0"][9:] for row in table(folder, f"at-population-{vintage}")
        } == newest
        assert {
            row["code"][9:] for row in table(folder, f"at-population-municipalities-{vintage}")
        } == newest


def test_code_lists_explain_the_codes_of_the_population(folder: Path) -> None:
    rows = table(folder, "at-population-2025")
    lists = (("C-C11-0", "sexes"), ("C-GALTEJ112-0", "ages"), ("C-GRGEMAKT-0", "municipalities"))
    for column, slug in lists:
        listed = table(folder, f"at-population-{slug}-2025")
        assert content(folder, f"at-population-{slug}-2025").startswith(
            b"code;name;;en_name;de_desc;de_link;en_desc;en_link;de_syn;en_syn\n"
        )
        assert {row[column] for row in rows} == {row["code"] for row in listed}
        assert len(listed) == sources(folder)[f"at-population-{slug}-2025"]["rows"]
    labels = {row["code"]: (row["name"], row[""]) for row in listed}
    assert labels["GRGEMAKT-10101"] == ("Eisenstadt <10101>", "GRBEZAKT-101")
    ages = {row["code"]: (row["name"], row[""]) for row in table(folder, "at-population-ages-2025")}
    assert ages["GALTEJ112-100"] == ("99 Jahre", "GALT5J100-20")
    assert ages["GALT5J100-21"] == ("100 Jahre und älter", "GALT15J75-6")


def test_employment_has_the_columns_and_numbers_of_the_real_file(
    folder: Path, real_files: Path
) -> None:
    with (real_files / "austria" / "OGDEXT_AEST_GEMTAB_1.csv").open("rb") as file:
        assert content(folder, "at-employment-2025").splitlines()[0] == file.readline().rstrip(
            b"\n"
        )
    rows = table(folder, "at-employment-2025")
    assert any(re.fullmatch(r"\d{1,3}\.\d{3}", row["BEV_ABSOLUT"]) for row in rows)
    assert all(
        re.fullmatch(r"\d{1,3}(\.\d{3})*", row[name])
        for row in rows
        for name in ("BEV_ABSOLUT", "PHH", "FAMILIEN")
    )
    assert all(re.fullmatch(r"\d{1,2}(,\d)?", row[name]) for row in rows for name in figures.SHARES)
    assert all(re.fullmatch(r"\d,\d{2}", row["HH_SIZE"]) for row in rows if row["JAHR"] == "2023")
    assert any("," not in row["BEV_UNTER15"] for row in rows)
    blank = [row for row in rows if not row["UNT"]]
    assert len(blank) == 3
    assert all(row["JAHR"] == "2023" and row["AST"] == row["BESCH_AST"] == "" for row in blank)


def test_each_year_of_employment_is_on_its_own_municipalities(folder: Path) -> None:
    by_year: dict[int, list[str]] = defaultdict(list)
    for row in table(folder, "at-employment-2025"):
        by_year[int(row["JAHR"])].append(row["GCD"])
    assert list(by_year) == list(range(2011, 2024))
    assert all(codes == sorted(codes_at(max(year, 2015), 60)) for year, codes in by_year.items())
    assert "32408" in by_year[2016]
    assert "32144" in by_year[2017]
    assert [
        max(int(row["JAHR"]) for row in table(folder, f"at-employment-{vintage}"))
        for vintage in VINTAGES
    ] == [2014, 2017, 2023]


def test_the_thousands_point_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path, 34, (2020,), thousands_point=False)
    assert not any(
        "." in cell
        for row in table(tmp_path, "at-employment-2020")
        for cell in list(row.values())[3:]
    )


def test_vienna_can_be_in_the_layers_twice(tmp_path: Path) -> None:
    write(tmp_path, 34, (2021,), vienna_twice=True)
    for name, whole in (("at-municipalities-2021", "90001"), ("at-districts-2021", "900")):
        shapes = layer(tmp_path, name)
        parts = [shape for code, shape in shapes.items() if code.startswith("9") and code != whole]
        assert len(parts) == 23
        assert shapes[whole].equals(shapely.coverage_union_all(parts))
        assert len(shapes) == sources(tmp_path)[name]["rows"]


def test_postcodes_and_municipalities_are_many_to_many(folder: Path, real_files: Path) -> None:
    with (real_files / "austria" / "plz_gemeinde_nuts3.csv").open("rb") as file:
        assert content(folder, "at-postal-codes-2025").splitlines()[0] == file.readline().rstrip(
            b"\n"
        )
    rows = table(folder, "at-postal-codes-2025", ",")
    pairs = {(row["postal_code"], row["municipality_code"]) for row in rows}
    assert len(pairs) == len(rows) == sources(folder)["at-postal-codes-2025"]["rows"]
    assert len({postcode for postcode, _ in pairs}) < len(rows)
    assert len({code for _, code in pairs}) < len(rows)
    regions: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        regions[row["postal_code"]].add(row["NUTS3"])
    assert all(len(each) == 1 for each in regions.values())
    codes = {code for _, code in pairs}
    assert ({code for code in codes if code.startswith("9")} - {"90001"}) < VIENNA
    assert codes - set(layer(folder, "at-municipalities-2025")) == {"90001", "32408"}
    assert set(layer(folder, "at-municipalities-2025")) - VIENNA < codes


@pytest.mark.parametrize(
    ("slug", "column", "values"),
    [("typology", "typology", r"[1-4][0-3]\d"), ("urbanisation", "urbanisation", "[123]")],
)
def test_classifications_are_lists_of_all_municipalities(
    folder: Path, real_files: Path, slug: str, column: str, values: str
) -> None:
    with (real_files / "austria" / f"gemeinden_{slug}.csv").open("rb") as file:
        assert content(folder, f"at-{slug}-2019").splitlines()[0] == file.readline().rstrip(b"\n")
    rows = {row["municipality_code"]: row for row in table(folder, f"at-{slug}-2019", ",")}
    assert rows.keys() == layer(folder, "at-municipalities-2019").keys()
    assert all(re.fullmatch(values, row[column]) for row in rows.values())
    assert rows["90101"]["municipality_name"] == "Wien\u00a0-\u00a01.\u00a0Bezirk"


@pytest.mark.parametrize("slug", ["at-municipalities", "at-population", "at-employment"])
def test_metadata_has_the_fields_of_the_portal(folder: Path, real_files: Path, slug: str) -> None:
    real = json.loads(
        (real_files / "austria" / "OGDEXT_GEM_1_metadata.json").read_text(encoding="utf-8")
    )
    made = json.loads(content(folder, f"{slug}-metadata-2025"))
    assert list(made) == list(real)
    assert list(made["extras"]) == list(real["extras"])
    assert all(list(resource) == list(real["resources"][0]) for resource in made["resources"])
    assert made["license"] == "Creative Commons Namensnennung 4.0 International"
    assert made["extras"]["license_citation"] == real["extras"]["license_citation"]
    assert "Synthetic" in made["notes"]
    assert "2025" in made["resources"][0]["last_modified"]


def test_tables_are_utf8_without_mark_or_quotes_and_end_lines_with_lf(folder: Path) -> None:
    for name, source in sources(folder).items():
        body = content(folder, name)
        body.decode("utf-8")
        assert source["container"] == ("json" if source["path"].endswith(".json") else "text")
        if source["container"] == "text":
            delimiter = (
                b","
                if source["path"].endswith(
                    ("plz_gemeinde_nuts3.csv", "typology.csv", "urbanisation.csv")
                )
                else b";"
            )
            assert not body.startswith(b"\xef\xbb\xbf")
            assert body.endswith(b"\n")
            assert b"\r" not in body
            assert b'"' not in body
            assert len({line.count(delimiter) for line in body.splitlines()}) == 1


def test_the_mirror_states_the_numbers_of_its_files(folder: Path) -> None:
    mirror = stand_ins.read(str(folder))
    assert (mirror.label, "Synthetic" in mirror.about) == ("synthetic-austria", True)
    assert "Synthetic" in (folder / "README.txt").read_text()
    stated = sources(folder)
    assert list(stated) == sorted(f"{slug}-{vintage}" for slug in SLUGS for vintage in VINTAGES)
    assert all(set(source) <= set(mirrors.ENTRY) for source in stated.values())
    for vintage in VINTAGES:
        rows, of_mirror = (
            table(folder, f"at-population-{vintage}"),
            stated[f"at-population-{vintage}"],
        )
        assert of_mirror["rows"] == len(rows)
        assert of_mirror["totals"] == {TOTAL: sum(int(row["F-ISIS-1"]) for row in rows)}
        assert of_mirror["distinct"] == {
            "municipality_code": len({row["C-GRGEMAKT-0"] for row in rows})
        }
        years = [row["JAHR"] for row in table(folder, f"at-employment-{vintage}")]
        assert stated[f"at-employment-{vintage}"]["rows"] == years.count(str(vintage - 2)) > 0
        assert stated[f"at-population-header-{vintage}"]["rows"] == len(
            table(folder, f"at-population-header-{vintage}")
        )
        assert stated[f"at-typology-{vintage}"]["rows"] == len(
            table(folder, f"at-typology-{vintage}", ",")
        )
        assert stated[f"at-districts-{vintage}"]["rows"] == len(
            layer(folder, f"at-districts-{vintage}")
        )


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    for count in (33, 2093):
        with pytest.raises(ValueError, match="34 to 2,092 municipalities"):
            places.choose(count)
    with pytest.raises(ValueError, match="begins in 2015"):
        write(tmp_path, vintages=(2014, 2025))


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        write(tmp_path / name, 40, (2021,), Defects(2, 2, 2, 1), seed)
    files = {
        path.relative_to(tmp_path / "one"): path.read_bytes()
        for path in sorted((tmp_path / "one").rglob("*"))
        if path.is_file()
    }
    assert {name: (tmp_path / "two" / name).read_bytes() for name in files} == files
    differing = {
        name.name
        for name, body in files.items()
        if (tmp_path / "three" / name).read_bytes() != body
    }
    assert {
        "STATISTIK_AUSTRIA_GEM_20210101.json",
        "OGD_bevstandjbab2002_BevStand_2021.csv",
        "OGDEXT_AEST_GEMTAB_1.csv",
        "mirror.json",
    } <= differing


def test_the_small_country_is_quick(tmp_path: Path) -> None:
    started = time.process_time()
    write(tmp_path)
    assert time.process_time() - started < 5


@pytest.mark.slow
def test_runs_as_a_program(tmp_path: Path) -> None:
    program = Path(__file__).parent / "synthetic" / "austria.py"
    asked = [sys.executable, str(program), "--into", str(tmp_path), "--vintages", "2024"]
    done = subprocess.run(
        [*asked, "--municipalities", "60"], capture_output=True, text=True, check=True
    )
    assert "synthetic" in done.stdout
    assert (tmp_path / "mirror.json").exists()
    refused = subprocess.run(
        [*asked, "--municipalities", "9000"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "34 to 2,092" in refused.stderr
