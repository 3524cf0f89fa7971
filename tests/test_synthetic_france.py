"""The synthetic France is in the formats of IGN, INSEE and La Poste, says true numbers of
itself, and is the same every time.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import py7zr
import pyarrow.parquet as pq
import pyogrio
import pyogrio.raw
import pytest
import python_calamine
import shapely
from pyproj import CRS, Transformer
from synthetic import france_census as census
from synthetic import france_country as country
from synthetic import france_income as income
from synthetic import france_memberships as memberships
from synthetic import france_pieces as pieces
from synthetic import france_places as places
from synthetic.defects import Defects
from synthetic.france import main, write
from synthetic.france_ground import TERRITORIES

from tasks.core.upstream import mirrors, stand_ins

VINTAGES = (2021, 2024, 2025)
PARIS, LYON, MARSEILLE = (
    {f"{start}{number:0{5 - len(start)}d}" for number in range(1, last + 1)}
    for start, last in (("751", 20), ("6938", 9), ("132", 16))
)
OVERSEAS = "iris-glp iris-guf iris-mtq iris-myt iris-reu".split()
SLUGS = "households housing income iris memberships movements population postal-codes".split()
COLUMNS = ["cleabs", "code_insee", "nom_commune", "iris", "code_iris", "nom_iris", "type_iris"]
# of the header of base-ic-evol-struct-pop-2022.CSV, as programs that read it quote it
OBSERVED_2022 = (
    "P22_POP P22_POP0002 P22_POP0305 P22_POP0610 P22_POP1117 P22_POP1824 P22_POP2539 P22_POP4054"
    " P22_POP5564 P22_POP6579 P22_POP80P P22_POP0014 P22_POP1529 P22_POP3044 P22_POP4559"
    " P22_POP6074 P22_POP75P P22_POP0019 P22_POP2064 P22_POP65P P22_POPH P22_H0014 P22_H1529"
).split()
Layer = dict[str, tuple[dict[str, str], Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("france")
    write(made, vintages=VINTAGES)
    return made


@pytest.fixture(scope="module")
def irises(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Layer]:
    """Properties and shapes, in degrees, of the GeoPackages of each vintage by code."""
    found, into = {}, tmp_path_factory.mktemp("unpacked")
    for vintage in VINTAGES:
        layer: Layer = {}
        for slug, (_, epsg, _) in zip(["iris", *OVERSEAS], in_order(), strict=True):
            (file,) = unpacked(folder, f"fr-{slug}-{vintage}", into / slug / str(vintage))
            layer |= in_degrees(features(into / slug / str(vintage) / file, "code_iris"), epsg)
        found[vintage] = dict(sorted(layer.items()))
    return found


def in_order() -> list[tuple[str, int, tuple[str, ...]]]:
    """The territories, metropolitan France first and the others by their letters."""
    return [TERRITORIES[0], *sorted(TERRITORIES[1:], key=lambda each: each[0][-3:])]


def in_degrees(layer: Layer, epsg: int) -> Layer:
    to = Transformer.from_crs(epsg, 4326, always_xy=True)
    moved = shapely.transform(
        np.array([shape for _, shape in layer.values()]),
        lambda x, y: np.round(to.transform(x, y), 9),
        interleaved=False,
    )
    return {
        code: (row, shape) for (code, (row, _)), shape in zip(layer.items(), moved, strict=True)
    }


def sources(folder: Path) -> dict[str, Any]:
    stated: dict[str, Any] = json.loads((folder / "mirror.json").read_text(encoding="utf-8"))[
        "sources"
    ]
    return stated


def path(folder: Path, name: str) -> Path:
    return folder / str(sources(folder)[name]["path"])


def unpacked(folder: Path, name: str, into: Path) -> list[Path]:
    with py7zr.SevenZipFile(path(folder, name)) as archive:
        archive.extractall(into)
    return sorted(each.relative_to(into) for each in into.rglob("*") if each.is_file())


def features(file: Path, key: str) -> Layer:
    facts, _, shapes, values = pyogrio.raw.read(file)
    rows = [dict(zip(facts["fields"], row, strict=True)) for row in zip(*values, strict=True)]
    return {
        row[key]: (row, shape) for row, shape in zip(rows, shapely.from_wkb(shapes), strict=True)
    }


def content(folder: Path, name: str) -> bytes:
    """A text file, or of a zip the member that is not meta_."""
    file = path(folder, name)
    if file.suffix != ".zip":
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        data, meta = archive.namelist()
        assert meta == f"meta_{data}"
        return archive.read(data)


def table(
    folder: Path, name: str, delimiter: str = ";", encoding: str = "utf-8"
) -> list[dict[str, str]]:
    return list(
        csv.DictReader(
            io.StringIO(content(folder, name).decode(encoding), newline=""), delimiter=delimiter
        )
    )


def sheets(folder: Path, name: str) -> dict[str, list[list[Any]]]:
    with zipfile.ZipFile(path(folder, name)) as archive:
        (member,) = archive.namelist()
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(archive.read(member)))
    return {each: book.get_sheet_by_name(each).to_python() for each in book.sheet_names}


def rows_of(sheet: list[list[Any]]) -> list[dict[str, Any]]:
    """The rows under the headings, which are the sixth row."""
    return [dict(zip(sheet[5], row, strict=True)) for row in sheet[6:]]


def numbers(rows: list[dict[str, str]], *columns: str) -> Any:
    return np.array([[float(row[column]) for column in columns] for row in rows])


def of_territory(layer: Layer, starts: tuple[str, ...]) -> Any:
    return np.array([shape for code, (_, shape) in layer.items() if code.startswith(starts)])


@pytest.mark.parametrize(("vintage", "file"), [(2024, "contours-iris.gpkg"), (2025, "iris.gpkg")])
def test_each_territory_has_a_geopackage_where_and_as_ign_delivers_it(
    folder: Path, tmp_path: Path, vintage: int, file: str
) -> None:
    held = 0
    for slug, (territory, epsg, _) in zip(["iris", *OVERSEAS], in_order(), strict=True):
        name = f"CONTOURS-IRIS_3-0__GPKG_{territory}_{vintage}-01-01"
        archive = path(folder, f"fr-{slug}-{vintage}")
        assert archive.name == f"{name}.7z"
        assert archive.read_bytes().startswith(b"7z\xbc\xaf\x27\x1c")
        (found,) = unpacked(folder, f"fr-{slug}-{vintage}", tmp_path)
        delivery = (
            f"CONTOURS-IRIS/1_DONNEES_LIVRAISON_{vintage}-12-00163"
            f"/CONTOURS-IRIS_3-0_GPKG_{territory}-ED{vintage}-01-01"
        )
        assert found.as_posix() == f"{name}/{delivery}/{file}"
        assert pyogrio.list_layers(tmp_path / found).tolist() == [["contours_iris", "MultiPolygon"]]
        facts = pyogrio.read_info(tmp_path / found)
        assert (facts["crs"], facts["geometry_name"], list(facts["fields"])) == (
            f"EPSG:{epsg}",
            "geometrie",
            COLUMNS,
        )
        assert facts["features"] == sources(folder)[f"fr-{slug}-{vintage}"]["rows"]
        held += facts["features"]
        (tmp_path / found).unlink()
    assert held == 400


def test_all_france_is_one_geopackage_since_2026(tmp_path: Path) -> None:
    write(tmp_path, vintages=(2026,))
    archive = path(tmp_path, "fr-iris-2026")
    assert archive.name == "CONTOURS-IRIS_3-0__GPKG_WGS84G_FRA_2026-01-01.7z"
    (file,) = unpacked(tmp_path, "fr-iris-2026", tmp_path / "unpacked")
    facts = pyogrio.read_info(tmp_path / "unpacked" / file)
    assert (file.name, facts["crs"], facts["features"]) == ("iris.gpkg", "EPSG:4326", 400)


def test_codes_types_and_names_of_iris(irises: dict[int, Layer]) -> None:
    found = irises[2024]
    assert list(found) == sorted(found)
    for code, (row, shape) in found.items():
        assert re.fullmatch(r"(\d{2}|2[AB])\d{7}", code)
        assert (row["code_insee"], row["iris"]) == (code[:5], code[5:])
        assert row["type_iris"] in "HADZ"
        assert (row["type_iris"] == "Z") == (row["iris"] == "0000")
        assert (row["type_iris"] == "Z") <= (row["nom_iris"] == row["nom_commune"])
        assert shape.geom_type == "MultiPolygon"
    assert len({row["cleabs"] for row, _ in found.values()}) == len(found)
    assert any(not row["nom_iris"].isascii() for row, _ in found.values())


def test_all_that_is_peculiar_to_france_is_there(irises: dict[int, Layer]) -> None:
    communes = Counter(code[:5] for code in irises[2024])
    assert set(communes) > PARIS | LYON | MARSEILLE
    assert not {"75056", "69123", "13055"} & set(communes)
    assert {"2A004", "2B033", "97105", "97209", "97302", "97411", "97611"} < set(communes)
    assert {places.department(code) for code in communes} == set(places.departments())
    assert communes["93066"] > 1
    regions = {places.departments()[places.department(code)]["region"] for code in communes}
    assert regions == set(places.REGIONS)


@pytest.mark.parametrize("vintage", VINTAGES)
def test_without_defects_the_iris_are_a_clean_coverage(
    irises: dict[int, Layer], vintage: int
) -> None:
    found = irises[vintage]
    for name, _, starts in TERRITORIES:
        shapes = of_territory(found, starts)
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes)
        assert len(shapely.get_parts(shapely.coverage_union_all(shapes))) <= (
            8 if name == "LAMB93_FXX" else 2
        )


def test_shapes_lie_where_the_places_are(irises: dict[int, Layer]) -> None:
    found = irises[2024]
    boxes = {
        "75": (1.5, 48, 3.5, 49.5),
        "2A": (8, 41, 10, 43),
        "971": (-62, 15.5, -60.8, 17),
        "973": (-55, 2, -51, 6),
        "974": (55, -22, 56, -20.5),
    }
    for start, box in boxes.items():
        assert (
            shapely.box(*box)
            .contains(
                shapely.centroid(
                    shapely.multipolygons([shapely.get_parts(of_territory(found, (start,)))])
                )
            )
            .all()
        )


def test_defects_are_in_metropolitan_france_and_in_every_vintage() -> None:
    made = country.build(400, Defects(3, 3, 3, 1), 1)
    changed = {
        number
        for number in range(len(made.pieces))
        if not made.shapes[number].equals_exact(made.clean_shapes[number], 0.0)
    }
    assert len(changed) == 10
    assert all(made.pieces[number].territory == 0 for number in changed)
    assert sum(not shapely.is_valid(made.shapes[number]) for number in changed) == 3
    lakes = {number for number in changed if shapely.get_num_interior_rings(made.shapes[number])}
    for vintage in VINTAGES:
        assert all(
            len(each.pieces) == 1
            for each in made.at(vintage)
            if set(each.pieces) & (changed - lakes)
        )


def test_shapefiles_are_in_a_folder_for_each_projection(
    irises: dict[int, Layer], tmp_path: Path
) -> None:
    write(tmp_path, layout="shp")
    name = "CONTOURS-IRIS_2-1__SHP__FRA_2024-01-01"
    assert path(tmp_path, "fr-iris-2024").name == f"{name}.7z"
    into = tmp_path / "unpacked"
    files = unpacked(tmp_path, "fr-iris-2024", into)
    folders = {file.parent for file in files}
    assert {each.name for each in folders} == {
        f"CONTOURS-IRIS_2-1_SHP_{territory}-2024" for territory, _, _ in TERRITORIES
    }
    degrees, codes = irises[2024], set()
    for territory, epsg, starts in TERRITORIES:
        (place,) = (each for each in folders if f"_{territory}-" in each.name)
        assert {file.name for file in files if file.parent == place} == {
            f"{stem}{end}"
            for stem in ("CONTOURS-IRIS", "EMPRISE")
            for end in (".shp", ".shx", ".dbf", ".prj", ".cpg")
        }
        assert (into / place / "CONTOURS-IRIS.cpg").read_text().strip() == "UTF-8"
        facts = pyogrio.read_info(into / place / "CONTOURS-IRIS.shp")
        assert list(facts["fields"]) == [
            "INSEE_COM",
            "NOM_COM",
            "IRIS",
            "CODE_IRIS",
            "NOM_IRIS",
            "TYP_IRIS",
        ]
        assert (
            CRS(facts["crs"]).to_epsg(min_confidence=20) == epsg
            or CRS(facts["crs"]).name == CRS(epsg).name
        )
        found = features(into / place / "CONTOURS-IRIS.shp", "CODE_IRIS")
        assert all(code.startswith(starts) for code in found)
        assert all(
            row["NOM_COM"] == degrees[code][0]["nom_commune"] for code, (row, _) in found.items()
        )
        codes |= set(found)
    assert codes == set(degrees)
    assert sources(tmp_path)["fr-iris-2024"]["rows"] == 400


def test_the_geoparquet_has_what_the_geopackage_has(
    irises: dict[int, Layer], tmp_path: Path
) -> None:
    write(tmp_path, layout="geoparquet")
    file = path(tmp_path, "fr-iris-2024")
    assert file.name == "CONTOURS-IRIS_3-0__GEOPARQUET_WGS84G_FRA_2024-01-01.parquet"
    found = pq.read_table(file)
    facts = json.loads(found.schema.metadata[b"geo"])
    assert (facts["version"], facts["primary_column"]) == ("1.0.0", "geometrie")
    column = facts["columns"]["geometrie"]
    assert (
        column["encoding"],
        column["geometry_types"],
        CRS.from_json_dict(column["crs"]).to_epsg(),
    ) == ("WKB", ["MultiPolygon"], 4326)
    assert found.column_names == [*COLUMNS, "geometrie", "geometrie_bbox"]
    expected = irises[2024]
    assert found["code_iris"].to_pylist() == list(expected)
    shapes = shapely.from_wkb(found["geometrie"].to_numpy(zero_copy_only=False))
    assert all(
        shape.equals(expected[code][1]) for code, shape in zip(expected, shapes, strict=True)
    )


def test_communes_and_their_postcodes_are_those_of_the_real_list(real_files: Path) -> None:
    with gzip.open(
        real_files / "france" / "laposte_hexasmal_2021.csv.gz", "rt", encoding="utf-8"
    ) as file:
        postcodes: dict[str, set[str]] = defaultdict(set)
        names = {}
        for row in csv.DictReader(file, delimiter=";"):
            postcodes[row["Code_commune_INSEE"]].add(row["Code_postal"])
            names[row["Code_commune_INSEE"]] = row["Nom_commune"]
    for commune in places.listed():
        assert set(commune.postcodes) == postcodes[commune.code]
        saint = {"SAINT": "ST", "SAINTE": "STE"}
        if commune.code not in PARIS | LYON | MARSEILLE:
            assert (
                " ".join(saint.get(word, word) for word in places.plain(commune.name).split())
                == names[commune.code]
            )
    of_department = Counter(
        places.department(code) for code in {places.city(code) for code in names}
    )
    assert {code: int(facts["communes"]) for code, facts in places.departments().items()} == {
        code: of_department[code] for code in places.departments()
    }
    assert sum(of_department[code] for code in places.departments()) == 34_965


def test_communes_that_are_made_up_have_codes_and_names_of_their_own() -> None:
    communes = places.choose(10_000)
    made = [commune for commune in communes if commune.seat is None]
    assert len(communes) - len(made) == len(places.listed()) == 3565
    assert len({commune.code for commune in communes}) == len(communes)
    assert all(re.fullmatch(r"(\d{2}|2[AB])\d{3}", commune.code) for commune in made)
    retired = {place[0] for _, _, *pair in places.EARLIER for place in pair}
    assert not retired & {commune.code for commune in made}


def test_population_has_the_header_of_the_real_files(folder: Path, real_files: Path) -> None:
    first = content(folder, "fr-population-2024").splitlines()[0].decode().split(";")
    assert len(first) == 76
    assert first[: 4 + len(OBSERVED_2022)] == [*census.LABELS, *OBSERVED_2022]
    assert "C22_POP15P_STAT_GSEC13_23" in first
    book = python_calamine.CalamineWorkbook.from_path(
        str(real_files / "france" / "base-ic-evol-struct-pop-2016-com.xls")
    )
    of_2016 = [str(cell) for cell in book.get_sheet_by_name("C.O.M").to_python()[5]]
    earlier = content(folder, "fr-population-2021").splitlines()[0].decode().split(";")
    assert earlier[4:] == [
        name.replace("16_", "19_", 1) for name in of_2016[of_2016.index("P16_POP") :]
    ]


def test_population_adds_up(folder: Path) -> None:
    rows = table(folder, "fr-population-2024")
    total = numbers(rows, "P22_POP")[:, 0]
    bands = (census.FINE, census.WIDE[:6], census.WIDE[6:])
    for parts in (
        *[[f"P22_POP{band}" for band in group] for group in bands],
        ["P22_POPH", "P22_POPF"],
        ["P22_POP_FR", "P22_POP_ETR"],
        ["P22_PMEN", "P22_PHORMEN"],
    ):
        assert numbers(rows, *parts).sum(axis=1) == pytest.approx(total)
    for letter in "HF":
        assert numbers(rows, *(f"P22_{letter}{band}" for band in census.WIDE[:6])).sum(
            axis=1
        ) == pytest.approx(numbers(rows, f"P22_POP{letter}")[:, 0])
    for letter in ("POP", "H", "F"):
        classes = numbers(rows, *(f"C22_{letter}15P_{name}" for name in census.CLASSES_2022)).sum(
            axis=1
        )
        assert classes == pytest.approx(numbers(rows, f"C22_{letter}15P")[:, 0])
    over = numbers(rows, "C22_POP15P")[:, 0].sum() / (
        total.sum() - numbers(rows, "P22_POP0014")[:, 0].sum()
    )
    assert over == pytest.approx(1, abs=0.02)
    assert not np.allclose(
        numbers(rows, "C22_POP15P")[:, 0], total - numbers(rows, "P22_POP0014")[:, 0]
    )


def test_the_census_has_all_iris_but_those_of_mayotte(
    folder: Path, irises: dict[int, Layer]
) -> None:
    for vintage, counted_on in ((2021, 2021), (2024, 2024), (2025, 2024)):
        codes = {code for code in irises[counted_on] if not code.startswith("976")}
        for slug in ("population", "housing", "households"):
            rows = table(folder, f"fr-{slug}-{vintage}")
            assert [row["IRIS"] for row in rows] == sorted(codes)
            assert all(row["COM"] == row["IRIS"][:5] for row in rows)
    rows = table(folder, "fr-population-2024")
    whole = {row["TYP_IRIS"] == "Z": row["P22_POP"].isdigit() for row in rows}
    assert whole == {True: True, False: False}
    assert {row["LAB_IRIS"] for row in rows if row["TYP_IRIS"] == "Z"} == {"5"}
    assert [row["P22_POP"] for row in rows if row["COM"] == "55039"] == ["0"]


def test_dwellings_and_households_add_up(folder: Path) -> None:
    rows = table(folder, "fr-housing-2024")
    for whole, parts in (
        ("LOG", "RP RSECOCC LOGVAC"),
        ("RP", "RP_PROP RP_LOC RP_GRAT"),
        ("RP", "RP_1P RP_2P RP_3P RP_4P RP_5PP"),
    ):
        assert numbers(rows, *(f"P22_{part}" for part in parts.split())).sum(
            axis=1
        ) == pytest.approx(numbers(rows, f"P22_{whole}")[:, 0])
    assert (
        numbers(rows, "P22_MAISON", "P22_APPART").sum(axis=1)
        <= numbers(rows, "P22_LOG")[:, 0] + 1e-9
    ).all()
    assert (numbers(rows, "P22_RP_LOCHLMV") <= numbers(rows, "P22_RP_LOC")).all()
    assert {"P22_RP_ACH1919", "P22_RP_ACH2019"} < set(rows[0])
    assert {"P19_RP_ACH19", "P19_RP_ACH16"} < set(table(folder, "fr-housing-2021")[0])
    rows = table(folder, "fr-households-2024")
    for whole, parts in (
        ("MEN", "MENPSEUL MENSFAM MENFAM"),
        ("MENFAM", "MENCOUPSENF MENCOUPAENF MENFAMMONO"),
        ("PMEN", "PMEN_MENPSEUL PMEN_MENSFAM PMEN_MENFAM"),
    ):
        assert numbers(rows, *(f"C22_{part}" for part in parts.split())).sum(
            axis=1
        ) == pytest.approx(numbers(rows, f"C22_{whole}")[:, 0])
    people = numbers(table(folder, "fr-population-2024"), "P22_PMEN")[:, 0]
    assert numbers(rows, "C22_PMEN")[:, 0] == pytest.approx(people, rel=0.06)
    assert numbers(table(folder, "fr-housing-2024"), "P22_PMEN")[:, 0] == pytest.approx(people)


def test_census_files_are_named_as_insee_names_them(folder: Path) -> None:
    for slug, name in (
        ("population", "evol-struct-pop"),
        ("housing", "logement"),
        ("households", "couples-familles-menages"),
    ):
        file = path(folder, f"fr-{slug}-2024")
        assert file.name == f"base-ic-{name}-2022_csv.zip"
        with zipfile.ZipFile(file) as archive:
            assert archive.namelist() == [
                f"base-ic-{name}-2022.CSV",
                f"meta_base-ic-{name}-2022.CSV",
            ]
            meta = archive.read(archive.namelist()[1]).decode().splitlines()
        columns = content(folder, f"fr-{slug}-2024").decode().splitlines()[0].split(";")
        assert meta[0] == "COD_VAR;LIB_VAR;LIB_VAR_LONG;COD_MOD;LIB_MOD;TYPE_VAR;LONG_VAR"
        assert [line.split(";")[0] for line in meta[1:]] == columns


def test_income_of_2018_has_the_form_of_the_real_file(folder: Path, real_files: Path) -> None:
    with (real_files / "france" / "BASE_TD_FILO_DISP_IRIS_2018.csv").open("rb") as file:
        assert content(folder, "fr-income-2021").splitlines(keepends=True)[0] == file.readline()
    cells = [cell for row in table(folder, "fr-income-2021") for cell in list(row.values())[1:]]
    assert all(re.fullmatch(r"-?\d+(\.\d{1,3})?", cell) for cell in cells)


def test_income_of_2021_has_decimal_commas_and_reasons(folder: Path) -> None:
    assert path(folder, "fr-income-2024").name == "BASE_TD_FILO_IRIS_2021_DISP_CSV.zip"
    rows = table(folder, "fr-income-2024")
    assert list(rows[0])[:6] == [
        "IRIS",
        "DISP_TP6021",
        "DISP_INCERT21",
        "DISP_Q121",
        "DISP_MED21",
        "DISP_Q321",
    ]
    assert [name for name in rows[0] if "INCERT" not in name] == [
        "IRIS",
        *(f"DISP_{name}21" for name in income.COLUMNS),
    ]
    assert all(
        re.fullmatch(r"-?\d+(,\d{1,3})?|n[sd]", cell)
        for row in rows
        for cell in list(row.values())[1:]
    )
    assert all("." not in cell for row in rows for cell in row.values())
    assert (
        {"nd"}
        <= {row["DISP_MED21"] for row in rows if row["DISP_MED21"].startswith("n")}
        <= {"nd", "ns"}
    )
    for row in rows:
        assert (
            len(
                {cell for name, cell in row.items() if name not in ("IRIS", "DISP_NOTE21")}
                & {"nd", "ns"}
            )
            <= 1
        )
        if row["DISP_MED21"].isdigit():
            deciles = [
                int(row[f"DISP_{name}21"])
                for name in ("D1", "D2", "Q1", "D3", "D4", "MED", "D6", "D7", "Q3", "D8", "D9")
            ]
            assert deciles == sorted(deciles)


def test_income_covers_large_communes_only(folder: Path, irises: dict[int, Layer]) -> None:
    residents: Counter[str] = Counter()
    for row in table(folder, "fr-population-2024"):
        residents[places.city(row["COM"])] += round(float(row["P22_POP"]))
    rows = table(folder, "fr-income-2024")
    codes = {row["IRIS"] for row in rows}
    assert codes < set(irises[2024])
    assert all(residents[places.city(code[:5])] > 4_900 for code in codes)
    assert {code[:5] for code in codes} > PARIS
    assert not any(code.startswith(("971", "973", "976")) for code in codes)
    assert sources(folder)["fr-income-2025"]["codes_of"] == "2022-01-01"
    assert any(row["IRIS"].startswith("93059") for row in table(folder, "fr-income-2025"))


def test_the_table_of_communes_has_the_form_of_inseees_workbook(
    folder: Path, irises: dict[int, Layer]
) -> None:
    found = sheets(folder, "fr-memberships-2024")
    assert list(found) == ["COM", "ARM", "Zones_supra_communales"]
    assert tuple(found["COM"][5]) == memberships.COMMUNES
    assert tuple(found["Zones_supra_communales"][5]) == memberships.AREAS
    communes, parts = rows_of(found["COM"]), rows_of(found["ARM"])
    names = {row["CODGEO"]: row["LIBGEO"] for row in communes}
    assert [names[code] for code in ("75056", "69123", "13055")] == ["Paris", "Lyon", "Marseille"]
    assert {row["CODGEO"] for row in parts} == PARIS | LYON | MARSEILLE
    assert {row["CODGEO"]: row["COM"] for row in parts}["75101"] == "75056"
    assert set(names) == {places.city(code[:5]) for code in irises[2024]}
    without = {row["CODGEO"] for row in communes if row["EPCI"] == memberships.NO_EPCI}
    assert without == set(places.WITHOUT_EPCI) & set(names)


def test_areas_are_those_that_communes_belong_to(folder: Path) -> None:
    found = sheets(folder, "fr-memberships-2024")
    communes, areas = rows_of(found["COM"]), rows_of(found["Zones_supra_communales"])
    for level, column in (("DEP", "DEP"), ("REG", "REG"), ("EPCI", "EPCI")):
        counted = Counter(row[column] for row in communes)
        stated = {row["CODGEO"]: row["NB_COM"] for row in areas if row["NIVGEO"] == level}
        assert stated == dict(counted)
    assert {row["CODGEO"] for row in areas if row["NIVGEO"] == "DEP"} == set(places.departments())
    assert {row["CODGEO"] for row in areas if row["NIVGEO"] == "REG"} == set(places.REGIONS)


def test_postcodes_and_communes_are_many_to_many(
    folder: Path, irises: dict[int, Layer], real_files: Path
) -> None:
    body = content(folder, "fr-postal-codes-2024")
    header = body.splitlines()[0].decode("latin-1")
    assert (
        header == "#Code_commune_INSEE;Nom_de_la_commune;Code_postal;Libellé_d_acheminement;Ligne_5"
    )
    with (real_files / "france" / "019HexaSmal.csv").open("rb") as file:
        real = file.readline().decode("utf-8").rstrip().split(";")
    assert [name.encode("ascii", "ignore") for name in header.removeprefix("#").split(";")] == [
        name.encode("ascii", "ignore") for name in real
    ]
    rows = table(folder, "fr-postal-codes-2024", encoding="latin-1")
    of_commune, of_postcode = defaultdict(set), defaultdict(set)
    for row in rows:
        of_commune[row["#Code_commune_INSEE"]].add(row["Code_postal"])
        of_postcode[row["Code_postal"]].add(row["#Code_commune_INSEE"])
    assert max(map(len, of_commune.values())) > 1
    assert max(map(len, of_postcode.values())) > 1
    assert of_commune["75116"] == {"75016", "75116"}
    assert {code[:5] for code in irises[2024]} == {
        code for code in of_commune if not code.startswith(("975", "977", "978", "98", "99"))
    }
    assert {row["Ligne_5"] for row in rows if row["#Code_commune_INSEE"] == "01138"} == {"", "BEON"}


def test_movements_lead_to_the_communes_of_the_vintage(
    folder: Path, irises: dict[int, Layer]
) -> None:
    assert path(folder, "fr-movements-2024").name == "v_mvt_commune_2024.csv"
    sides = ["TYPECOM", "COM", "TNCC", "NCC", "NCCENR", "LIBELLE"]
    rows = table(folder, "fr-movements-2025", ",")
    assert list(rows[0]) == [
        "MOD",
        "DATE_EFF",
        *(f"{name}_AV" for name in sides),
        *(f"{name}_AP" for name in sides),
    ]
    assert {row["MOD"] for row in rows} == {"32", "41", "50"}
    communes = {code[:5] for code in irises[2025]}
    became = {
        row["COM_AV"]: row["COM_AP"]
        for row in rows
        if row["TYPECOM_AP"] == "COM" and row["COM_AV"] != row["COM_AP"]
    }
    for code in became:
        while code in became:
            code = became[code]
        assert code in communes
    assert not set(became) & communes
    assert became["14697"] == "14472"
    assert max(row["DATE_EFF"] for row in table(folder, "fr-movements-2024", ",")) == "2023-01-01"
    oudon = next(row for row in rows if row["COM_AV"] == "14697")
    assert (oudon["TNCC_AV"], oudon["NCC_AV"], oudon["NCCENR_AV"], oudon["LIBELLE_AV"]) == (
        "5",
        "OUDON",
        "Oudon",
        "L'Oudon",
    )


def test_the_newest_census_and_income_go_with_later_borders(
    folder: Path, irises: dict[int, Layer]
) -> None:
    stated = sources(folder)
    for slug, codes_of in (
        ("population", "2024-01-01"),
        ("housing", "2024-01-01"),
        ("households", "2024-01-01"),
        ("income", "2022-01-01"),
    ):
        assert content(folder, f"fr-{slug}-2025") == content(folder, f"fr-{slug}-2024")
        assert (
            stated[f"fr-{slug}-2025"]["codes_of"]
            == stated[f"fr-{slug}-2024"]["codes_of"]
            == codes_of
        )
    assert stated["fr-population-2021"]["codes_of"] == "2021-01-01"
    without_borders = {row["IRIS"] for row in table(folder, "fr-population-2025")} - set(
        irises[2025]
    )
    assert without_borders == {code for code in irises[2024] if code.startswith("93059")}


def test_communes_merge_and_their_iris_with_them(irises: dict[int, Layer]) -> None:
    before, between, after = (irises[vintage] for vintage in VINTAGES)
    assert [len(before), len(between), len(after)] == [405, 400, 400]
    assert (before["011380000"][0]["nom_commune"], between["011380000"][0]["nom_commune"]) == (
        "Culoz",
        "Culoz-Béon",
    )
    merged = shapely.union_all([before["011380000"][1], before["010390000"][1]])
    assert "010390000" not in between
    assert merged.symmetric_difference(between["011380000"][1]).area < 1e-9
    absorbed = {code for code in between if code.startswith("93059")}
    assert len(absorbed) > 1
    assert not any(code.startswith("93059") for code in after)
    assert {f"93066{int(code[5:]) + pieces.ABSORBED}" for code in absorbed} == set(after) - set(
        between
    )


def test_the_mirror_states_the_numbers_of_its_files(folder: Path, irises: dict[int, Layer]) -> None:
    mirror = stand_ins.read(str(folder))
    assert (mirror.label, "Synthetic" in mirror.about) == ("synthetic-france", True)
    assert "Synthetic" in (folder / "README.txt").read_text(encoding="utf-8")
    stated = sources(folder)
    assert list(stated) == sorted(
        f"fr-{slug}-{vintage}" for slug in (*SLUGS, *OVERSEAS) for vintage in VINTAGES
    )
    assert all(set(source) <= set(mirrors.ENTRY) for source in stated.values())
    for vintage in VINTAGES:
        year = min(vintage % 100 - 2, 22)
        for slug, total, column in (
            ("population", "population", f"P{year}_POP"),
            ("housing", "dwellings", f"P{year}_LOG"),
            ("households", "households", f"C{year}_MEN"),
        ):
            rows, source = table(folder, f"fr-{slug}-{vintage}"), stated[f"fr-{slug}-{vintage}"]
            assert source["rows"] == len(rows)
            assert list(source["totals"]) == [total]
            expected = source["totals"][total]
            assert sum(float(row[column]) for row in rows) == pytest.approx(
                expected["expected"], rel=expected["tolerance"]
            )
        parts = [stated[f"fr-{slug}-{vintage}"] for slug in ("iris", *OVERSEAS)]
        assert sum(part["distinct"]["municipal_code"] for part in parts) == len(
            {code[:5] for code in irises[vintage]}
        )
        kinds = sum((Counter(part["counts"]["iris_type"]) for part in parts), Counter())
        assert kinds == Counter(row["type_iris"] for row, _ in irises[vintage].values())
        assert stated[f"fr-income-{vintage}"]["rows"] == len(table(folder, f"fr-income-{vintage}"))
        assert stated[f"fr-movements-{vintage}"]["rows"] == len(
            table(folder, f"fr-movements-{vintage}", ",")
        )
        postcodes, source = (
            table(folder, f"fr-postal-codes-{vintage}", encoding="latin-1"),
            stated[f"fr-postal-codes-{vintage}"],
        )
        assert source["rows"] == len(postcodes)
        assert source["distinct"]["postal_code"] == len({row["Code_postal"] for row in postcodes})
    split = [
        (name, sum(code.startswith(starts) for code in irises[2024]))
        for name, _, starts in TERRITORIES
    ]
    assert f"2024: {', '.join(f'{name} {number}' for name, number in split)}\n" in (
        folder / "README.txt"
    ).read_text(encoding="utf-8")


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    for count in (60, 60_001):
        with pytest.raises(ValueError, match=r"has 72 to 60,000 IRIS"):
            country.build(count, Defects(), 1)
    with pytest.raises(ValueError, match="begins in 2021"):
        write(tmp_path, vintages=(2020, 2024))
    with pytest.raises(ValueError, match="gpkg, shp, geoparquet"):
        write(tmp_path, layout="geojson")


@pytest.mark.parametrize("layout", ["gpkg", "shp", "geoparquet"])
def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, layout: str) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, 100, (2024,), layout, Defects(2, 2, 2, 1), 5)
    files = {
        each.relative_to(tmp_path / "one"): each.read_bytes()
        for each in sorted((tmp_path / "one").rglob("*"))
        if each.is_file()
    }
    assert {name: (tmp_path / "two" / name).read_bytes() for name in files} == files


def test_another_seed_gives_another_country(folder: Path, tmp_path: Path) -> None:
    write(tmp_path, seed=2)
    files = {
        each.relative_to(tmp_path)
        for each in tmp_path.rglob("*")
        if each.is_file() and each.parent != tmp_path
    }
    same = {
        name.name
        for name in files
        if (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    }
    assert same == {
        "019HexaSmal.csv",
        "v_mvt_commune_2024.csv",
        "table-appartenance-geo-communes-2024.zip",
    }


def test_the_small_country_is_quick(tmp_path: Path) -> None:
    started = time.process_time()
    write(tmp_path)
    assert time.process_time() - started < 10


@pytest.mark.slow
def test_runs_as_a_program(tmp_path: Path) -> None:
    program = Path(__file__).parent / "synthetic" / "france.py"
    asked = [sys.executable, str(program), "--into", str(tmp_path), "--vintages", "2024"]
    done = subprocess.run(
        [*asked, "--iris", "120", "--layout", "shp"], capture_output=True, text=True, check=True
    )
    assert "synthetic" in done.stdout
    assert (tmp_path / "mirror.json").exists()


def test_the_program_refuses_what_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["france.py", "--into", str(tmp_path), "--iris", "9"])
    with pytest.raises(SystemExit) as refused:
        main()
    assert refused.value.code == 2
    assert "to 60,000 IRIS" in capsys.readouterr().err
