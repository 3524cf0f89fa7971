"""The synthetic United States is in the Census Bureau's formats, says true numbers of itself, and
is the same every time.
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
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from synthetic import (
    us_acs,
    us_boundaries,
    us_estimates,
    us_people,
    us_places,
    us_roster,
    us_subject_table,
    us_tables,
)
from synthetic.defects import Defects
from synthetic.united_states import write

STATES = [state.code for state in us_places.states()]
NATION, STATE, COUNTY, TRACT, GROUP = (
    "0100000US",
    "0400000US",
    "0500000US",
    "1400000US",
    "1500000US",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("united_states")
    write(made, vintages=(2018, 2023))
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> us_people.People:
    """A country with all its counties."""
    return us_people.build(us_roster.build(33_000, 40_000, 1), 2023)


def mirror(folder: Path) -> dict[str, Any]:
    stated: dict[str, Any] = json.loads((folder / "mirror.json").read_text())
    return stated["sources"]


def layer(folder: Path, name: str) -> Any:
    return pyogrio.read_dataframe(folder / f"{name}.zip")


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def acs(folder: Path, table: str, vintage: int = 2023) -> dict[str, list[int | None]]:
    lines = (folder / f"acsdt5y{vintage}-{table}.dat").read_text(encoding="utf-8").splitlines()[1:]
    cells = (line.split("|") for line in lines)
    return {name: [int(value) if value else None for value in values] for name, *values in cells}


def under(rows: dict[str, list[int | None]], prefix: str, code: str = "") -> list[list[int | None]]:
    return [values for name, values in rows.items() if name.startswith(prefix + code)]


def estimates(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("latin-1"), newline="")))


def real(folder: Path, name: str) -> bytes:
    path = folder / "united_states" / name
    return gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()


def test_every_state_has_its_files_and_the_mirror_states_their_numbers(folder: Path) -> None:
    sources = mirror(folder)
    assert len(sources) == 2 * (2 + 2 * 56 + 9 + 3)
    for vintage in (2018, 2023):
        for slug, level in (("us-tracts", "tract"), ("us-block-groups", "bg")):
            rows = 0
            for state in STATES:
                entry = sources[f"{slug}-{state}-{vintage}"]
                assert entry["path"] == f"cb_{vintage}_{state}_{level}_500k.zip"
                assert pyogrio.read_info(folder / entry["path"])["features"] == entry["rows"] > 0
                rows += entry["rows"]
            assert rows == {"tract": 120, "bg": 300}[level]
        assert (
            sources[f"us-states-{vintage}"]["rows"]
            == pyogrio.read_info(folder / f"cb_{vintage}_us_state_500k.zip")["features"]
            == 56
        )
        rows = [
            row
            for row in estimates(folder / f"co-est{vintage}-alldata.csv")
            if row["SUMLEV"] == "050"
        ]
        stated = sources[f"us-county-estimates-{vintage}"]
        assert (len(rows), sum(int(row[f"POPESTIMATE{vintage}"]) for row in rows)) == (
            stated["rows"],
            stated["totals"]["population"],
        )
        low, high = sources[f"us-acs-b19013-{vintage}"]["rows"]
        figures = acs(folder, "b19013", vintage)
        assert (low, high) == (len(under(figures, TRACT)), len(figures))
    assert "Synthetic" in (folder / "README.txt").read_text()


def test_boundary_files_are_like_the_real_ones(folder: Path, real_files: Path) -> None:
    for level in ("state", "county"):
        made, published = (
            members(folder / f"cb_2018_us_{level}_500k.zip"),
            members(real_files / "united_states" / f"cb_2018_us_{level}_5m.zip"),
        )
        assert set(made) == {
            f"cb_2018_us_{level}_500k{ending}"
            for ending in (".shp", ".shx", ".dbf", ".prj", ".cpg")
        }
        for ending in (".prj", ".cpg"):
            assert (
                made[f"cb_2018_us_{level}_500k{ending}"]
                == published[f"cb_2018_us_{level}_5m{ending}"]
            )
        described = [
            body[32 : int.from_bytes(body[8:10], "little")]
            for body in (
                made[f"cb_2018_us_{level}_500k.dbf"],
                published[f"cb_2018_us_{level}_5m.dbf"],
            )
        ]
        assert [
            described[0][place : place + 18] for place in range(0, len(described[0]) - 1, 32)
        ] == [described[1][place : place + 18] for place in range(0, len(described[1]) - 1, 32)]
    for level, area in (("state", "us"), ("county", "us"), ("tract", "09"), ("bg", "09")):
        information = pyogrio.read_info(folder / f"cb_2023_{area}_{level}_500k.zip")
        assert list(information["fields"]) == us_boundaries.columns_of(level, 2023)
        assert (information["crs"], information["encoding"]) == ("EPSG:4269", "UTF-8")
    assert "AFFGEOID" in us_boundaries.columns_of("bg", 2022)


def test_states_and_counties_are_the_real_ones(real_files: Path) -> None:
    published = real(real_files, "2024_Gaz_counties_national.txt").decode().splitlines()[1:]
    known = {code: county.full for code, county in us_places.counties().items()}
    today = {cells[1]: cells[3] for cells in (line.split("\t") for line in published)}
    assert {code: known[code] for code in today} == today
    for level in ("state", "county"):
        rows = pyogrio.read_dataframe(
            real_files / "united_states" / f"cb_2018_us_{level}_5m.zip", read_geometry=False
        )
        names = (
            {state.code: state.name for state in us_places.states()}
            if level == "state"
            else {code: (county.name, county.kind) for code, county in us_places.counties().items()}
        )
        found = rows.NAME if level == "state" else zip(rows.NAME, rows.LSAD, strict=True)
        assert dict(zip(rows.GEOID, found, strict=True)) == {
            code: names[code] for code in rows.GEOID
        }


def test_a_whole_country_has_all_counties_of_its_vintage(whole: us_people.People) -> None:
    for vintage, counties in ((2018, 3_233), (2021, 3_234), (2023, 3_235)):
        codes = {
            code for state in whole.roster.states for code in state.counties_at(vintage).tolist()
        }
        assert len(codes) == counties
        assert len([code for code in codes if code[:2] == "09"]) == (9 if vintage >= 2022 else 8)
        assert ("02261" in codes) == (vintage < 2020)
        assert {"02063", "02066"} <= codes or vintage < 2020


def test_codes_nest_and_geoidfq_is_the_identifier_of_the_figures(folder: Path) -> None:
    for state in ("06", "09", "36", "72"):
        tracts, groups = (
            layer(folder, f"cb_2023_{state}_tract_500k"),
            layer(folder, f"cb_2023_{state}_bg_500k"),
        )
        assert (tracts.GEOID == tracts.STATEFP + tracts.COUNTYFP + tracts.TRACTCE).all()
        assert (
            groups.GEOID == groups.STATEFP + groups.COUNTYFP + groups.TRACTCE + groups.BLKGRPCE
        ).all()
        assert set(groups.GEOID.str[:11]) == set(tracts.GEOID)
        assert set(groups.GEOIDFQ) <= set(acs(folder, "b01001"))
        for column in ("ALAND", "AWATER"):
            assert (
                groups.groupby(groups.GEOID.str[:11])[column].sum().to_dict()
                == tracts.set_index("GEOID")[column].to_dict()
            )


@pytest.mark.parametrize("state", ["01", "02", "09", "48"])
def test_every_level_is_exactly_the_union_of_the_one_below(folder: Path, state: str) -> None:
    groups, tracts = (
        layer(folder, f"cb_2023_{state}_bg_500k"),
        layer(folder, f"cb_2023_{state}_tract_500k"),
    )
    counties, states = (layer(folder, f"cb_2023_us_{level}_500k") for level in ("county", "state"))
    for below, above, digits in (
        (groups, tracts, 11),
        (tracts, counties, 5),
        (counties, states, 2),
    ):
        below, above = (rows[rows.GEOID.str[:2] == state] for rows in (below, above))
        assert shapely.is_valid(below.geometry.values).all()
        assert shapely.coverage_is_valid(below.geometry.values)
        for code, shape in zip(above.GEOID, above.geometry, strict=True):
            parts = below[below.GEOID.str[:digits] == code].geometry
            assert shapely.equals(shapely.union_all(parts.values), shape)
            assert set(map(tuple, shapely.get_coordinates(shape))) <= set(
                map(tuple, shapely.get_coordinates(parts.values))
            )


def test_tracts_are_wiggly_and_states_apart(folder: Path) -> None:
    tracts = np.concatenate(
        [layer(folder, f"cb_2023_{state}_tract_500k").geometry.values for state in STATES]
    )
    assert 30 <= shapely.get_num_coordinates(tracts).mean() <= 70
    states = layer(folder, "cb_2023_us_state_500k").geometry.values
    assert not len(
        [
            pair
            for pair in shapely.STRtree(states).query(states, predicate="intersects").T
            if pair[0] != pair[1]
        ]
    )
    west, south, east, north = shapely.total_bounds(states)
    assert (west >= -180, south >= -15, east <= 180, north <= 72) == (True,) * 4


def test_connecticut_and_alaska_change_their_counties_and_keep_their_tracts(folder: Path) -> None:
    for state in ("02", "09"):
        before, after = (
            layer(folder, f"cb_{vintage}_{state}_tract_500k") for vintage in (2018, 2023)
        )
        assert (
            before.GEOID.str[5:].tolist()
            == after.GEOID.str[5:].tolist()
            == sorted(set(after.GEOID.str[5:]))
        )
        assert shapely.equals_exact(before.geometry.values, after.geometry.values).all()
        assert not set(before.GEOID.str[:5]) & set(after.GEOID.str[:5])
    assert set(layer(folder, "cb_2018_us_county_500k").GEOID) >= {"02261", "09001", "09015"}
    assert set(layer(folder, "cb_2023_us_county_500k").GEOID) >= {
        "02063",
        "02066",
        "09110",
        "09190",
    }


def test_the_figures_have_every_level_and_some_that_must_be_left_out(folder: Path) -> None:
    for table, shell in us_tables.SHELLS.items():
        header = (
            (folder / f"acsdt5y2023-{table.lower()}.dat").read_text().split("\n", 1)[0].split("|")
        )
        assert header == [
            "GEO_ID",
            *(
                f"{table}_{kind}{line:03d}"
                for line in range(1, len(shell.lines) + 1)
                for kind in "EM"
            ),
        ]
    rows = acs(folder, "b01001")
    prefixes = Counter(name.split("US")[0] + "US" for name in rows)
    assert set(prefixes) >= {
        NATION,
        STATE,
        COUNTY,
        TRACT,
        GROUP,
        "0400001US",
        "0400043US",
        "1600000US",
        "860Z200US",
    }
    assert (prefixes[NATION], prefixes[STATE]) == (1, 52)
    assert not any(
        under(rows, prefix, island)
        for prefix in (STATE, COUNTY, TRACT, GROUP)
        for island in us_places.ISLANDS
    )
    assert under(rows, TRACT, "72")
    assert "8600000US" in " ".join(acs(folder, "b25001", 2018))


def test_water_tracts_have_figures_and_no_shape(folder: Path) -> None:
    rows = acs(folder, "b01001")
    water = {name for name in rows if name.startswith(TRACT) and name.endswith("990000")}
    assert len(water) == len(us_roster.WATER_STATES)
    assert all(rows[name][0] == 0 for name in water)
    for state in STATES:
        shaped = set(layer(folder, f"cb_2023_{state}_tract_500k").GEOIDFQ)
        if state not in us_places.ISLANDS:
            assert shaped == {name for name in rows if name.startswith(TRACT + state)} - water


@pytest.mark.parametrize("table", ["b01001", "b11001", "b15003", "b19001", "b25001", "b25003"])
def test_counts_add_up_within_a_table_and_from_level_to_level(folder: Path, table: str) -> None:
    rows = {name: np.array(values[::2]) for name, values in acs(folder, table).items()}
    leaves = us_tables.SHELLS[table.upper()].leaves
    assert all(
        values[0] == values[leaves].sum() for name, values in rows.items() if name[3:7] == "0000"
    )
    for below, above, digits in ((GROUP, TRACT, 11), (TRACT, COUNTY, 5), (COUNTY, STATE, 2)):
        sums: dict[str, Any] = {}
        for name, values in rows.items():
            if name.startswith(below):
                sums[above + name[9 : 9 + digits]] = (
                    sums.get(above + name[9 : 9 + digits], 0) + values
                )
        assert {name: values.tolist() for name, values in sums.items()} == {
            name: values.tolist() for name, values in rows.items() if name.startswith(above)
        }
    nation = sum(
        values for name, values in rows.items() if name.startswith(STATE) and name != f"{STATE}72"
    )
    assert rows[NATION].tolist() == nation.tolist()


def test_tables_agree_with_one_another(folder: Path) -> None:
    residents, households, classes, tenure, dwellings, schooling = (
        acs(folder, table) for table in ("b01001", "b11001", "b19001", "b25003", "b25001", "b15003")
    )
    for name in residents:
        if name[3:7] == "0000":
            assert households[name][0] == classes[name][0] == tenure[name][0] <= dwellings[name][0]
            ages = residents[name][::2]
            assert schooling[name][0] == sum(ages[10:25]) + sum(ages[34:49])


def test_missing_figures_have_the_codes_of_the_fact_sheet(folder: Path) -> None:
    for table in ("b19013", "b25077"):
        rows = acs(folder, table)
        assert any(values == [None, None] for values in rows.values())
        assert any(values == [-666666666, -222222222] for values in rows.values())
        assert all(
            values[0] is None or values[0] > 0 or values == [-666666666, -222222222]
            for values in rows.values()
        )
    controlled = {
        name.split("US")[0]
        for name, values in acs(folder, "b01001").items()
        if values[1] == -555555555
    }
    assert controlled == {"0100000", "0400000", "0500000"}
    assert all(
        margin >= 0
        for values in acs(folder, "b25003").values()
        for margin in values[1::2]
        if margin is not None
    )


def test_open_ended_medians_are_jammed(whole: us_people.People) -> None:
    random = np.random.default_rng(1)
    rich = np.zeros((2, 16), dtype=np.int64)
    rich[0, -1], rich[1, 0] = 500, 500
    figures, _ = us_acs._figures("B19013", TRACT, rich, random)
    assert figures[0].tolist() == [250_001, -333333333]
    rich[1, 0], rich[1, 1] = 9, 1
    assert us_acs.medians(rich)[1] == pytest.approx(5_556)


def test_shells_name_the_lines_of_the_tables(folder: Path) -> None:
    lines = (folder / "ACS20235YR_Table_Shells.txt").read_text().splitlines()
    assert lines[0] == "Table ID|Line|Indent|Unique ID|Label|Title|Universe|Type"
    assert lines[1:4] == [
        "B01001|1.0|0|B01001_001|Total:|Sex by Age|Total population|int",
        "B01001|2.0|1|B01001_002|Male:|Sex by Age|Total population|int",
        "B01001|3.0|2|B01001_003|Under 5 years|Sex by Age|Total population|int",
    ]
    counts = Counter(line.split("|")[0] for line in lines[1:])
    assert list(counts.values()) == [49, 9, 25, 17, 1, 1, 1, 3, 1]
    assert mirror(folder)["us-acs-shells-2023"]["rows"] == 107
    assert "|SEX BY AGE|" in (folder / "ACS20185YR_Table_Shells.txt").read_text()
    named = {cells[3]: cells[4] for cells in (line.split("|") for line in lines)}
    assert (named["B01001_049"], named["B15003_022"]) == ("85 years and over", "Bachelor's degree")
    assert (named["B19001_011"], named["B19001_017"]) == ("$50,000 to $59,999", "$200,000 or more")


def test_estimates_have_the_columns_of_the_real_files(real_files: Path) -> None:
    for vintage in (2019, 2023):
        published = (
            real(real_files, f"co-est{vintage}-alldata.csv.gz").decode("latin-1").splitlines()[0]
        )
        assert us_estimates.header(vintage) == published.split(",")


def test_estimates_add_up_and_have_no_puerto_rico(whole: us_people.People, tmp_path: Path) -> None:
    entry = us_estimates.write(tmp_path, whole)
    rows = estimates(tmp_path / entry["path"])
    assert Counter(row["SUMLEV"] for row in rows) == {"040": 51, "050": 3_144}
    assert entry["rows"] == 3_144
    assert {len(row["STATE"]) for row in rows} == {2}
    assert {len(row["COUNTY"]) for row in rows} == {3}
    assert "Doña Ana County" in {row["CTYNAME"] for row in rows}
    for column in ("POPESTIMATE2020", "POPESTIMATE2023", "BIRTHS2022", "NETMIG2023"):
        states, counties = (
            sum(int(row[column]) for row in rows if row["SUMLEV"] == level)
            for level in ("040", "050")
        )
        assert states == counties
    for row in rows:
        assert int(row["NPOPCHG2023"]) == int(row["POPESTIMATE2023"]) - int(row["POPESTIMATE2022"])
        assert int(row["NPOPCHG2023"]) == int(row["BIRTHS2023"]) - int(row["DEATHS2023"]) + int(
            row["NETMIG2023"]
        ) + int(row["RESIDUAL2023"])


def test_the_subject_table_is_like_the_real_export(
    whole: us_people.People, tmp_path: Path, real_files: Path
) -> None:
    entry = us_subject_table.write(tmp_path, whole)
    made, published = (
        (tmp_path / entry["path"]).read_bytes(),
        real(real_files, "ACSST5Y2023.S1901-Data.csv.gz"),
    )
    assert made.split(b"\n")[:2] == published.split(b"\n")[:2]
    assert all(line.endswith(b'",') for line in made.split(b"\n")[:-1])
    rows, real_rows = (
        list(csv.reader(io.StringIO(body.decode("utf-8-sig")))) for body in (made, published)
    )
    assert len(rows) - 2 == entry["rows"] == len(real_rows) - 2 == 3_222
    assert [row[:2] for row in rows] == [row[:2] for row in real_rows]
    markers = [
        {cell for cell in column if not cell[:1].isdigit()}
        for column in zip(*(row[2:] for row in rows[2:]), strict=True)
    ]
    assert set().union(*markers) == {"(X)", "-", "**", "N", ""}
    applicable = [marks != {"(X)"} for marks in markers]
    assert applicable == [
        {row[place] for row in real_rows[2:]} != {"(X)"} for place in range(2, len(real_rows[0]))
    ]


def test_the_subject_table_agrees_with_the_median_incomes(folder: Path) -> None:
    lines = (folder / "ACSST5Y2023.S1901-Data.csv").read_text(encoding="utf-8-sig").splitlines()
    rows = {row["GEO_ID"]: row["S1901_C01_012E"] for row in csv.DictReader([lines[0], *lines[2:]])}
    medians = {
        name: values[0] for name, values in acs(folder, "b19013").items() if name.startswith(COUNTY)
    }
    assert rows.keys() == medians.keys()
    assert all(value == "-" or int(value) == medians[name] for name, value in rows.items())


def test_defects_are_in_the_block_groups_alone(tmp_path: Path) -> None:
    write(tmp_path, defects=Defects.each(2))
    groups = np.concatenate(
        [layer(tmp_path, f"cb_2023_{state}_bg_500k").geometry.values for state in STATES]
    )
    tracts = np.concatenate(
        [layer(tmp_path, f"cb_2023_{state}_tract_500k").geometry.values for state in STATES]
    )
    assert (~shapely.is_valid(groups)).sum() == 2
    assert shapely.is_valid(tracts).all()
    assert shapely.coverage_is_valid(tracts)
    with pytest.raises(ValueError, match="has room for"):
        write(tmp_path, defects=Defects(gaps=200))


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        write(tmp_path / name, vintages=(2021,), defects=Defects(1, 1, 1, 1), seed=seed)
    files = {path.name: path.read_bytes() for path in sorted((tmp_path / "one").iterdir())}
    assert {path.name: path.read_bytes() for path in sorted((tmp_path / "two").iterdir())} == files
    same = {
        name for name, body in files.items() if (tmp_path / "three" / name).read_bytes() == body
    }
    assert same == {"ACS20215YR_Table_Shells.txt"}


def test_the_small_country_is_quick(tmp_path: Path) -> None:
    started = time.process_time()
    write(tmp_path)
    assert time.process_time() - started < 10


@pytest.mark.slow
def test_runs_as_a_program(tmp_path: Path) -> None:
    program = Path(__file__).parent / "synthetic" / "united_states.py"
    asked = [sys.executable, str(program), "--into", str(tmp_path)]
    done = subprocess.run(
        [*asked, "--vintages", "2023", "--defects", "1"], capture_output=True, text=True, check=True
    )
    assert "synthetic" in done.stdout
    assert (tmp_path / "mirror.json").exists()
    refused = subprocess.run(
        [*asked, "--tracts", "60"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "at least 65 tracts" in refused.stderr
