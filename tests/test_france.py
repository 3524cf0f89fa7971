"""France from the offices' file formats to published layers, in all three layouts of the IRIS, and
from real files.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from synthetic import france as synthetic
from synthetic.defects import Defects
from workbooks import write_xlsx

from flows.france import FRANCE, france
from flows.offices import ign, insee, insee_columns, insee_lists
from tasks.core.making.codes import movements, recoding
from tasks.core.making.codes.ledger import ledger
from tasks.core.making.joining import scripts
from tasks.core.making.tables.staging_tables import load
from tasks.core.making.unpacking.archives import take_all
from tasks.core.model.errors import CheckFailed, SourceError
from tasks.core.model.handles import Input, Original, Staging
from tasks.core.model.settings import SQL
from tasks.core.postgres.database import Database
from tasks.running.site import site
from tasks.verbs.checks import check_rows


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic France with faults in its shapes, in a GeoPackage for each territory."""
    folder = tmp_path_factory.mktemp("france")
    synthetic.write(
        folder, iris=400, vintages=(2024,), defects=Defects(overlaps=1, gaps=1, crossings=1)
    )
    return folder


def run(**parameters: Any) -> State[Any]:
    state: State[Any] = france(**parameters, return_state=True)
    if not state.is_completed():
        state.result()
    return state


@pytest.fixture(scope="module")
def published(mirror: Path, prefect_server: None, cluster_database: Database) -> State[Any]:
    """The run that published 2024."""
    return run(vintage=2024, mirror=str(mirror))


def expected(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / "mirror.json").read_text())["sources"][name])


def test_the_layers_add_up_and_mayotte_has_no_census(published: State[Any], mirror: Path) -> None:
    people = expected(mirror, "fr-population-2024")["totals"]["population"]["expected"]
    for layer in ("iris", "communes", "departements", "regions", "postal_codes"):
        assert site().database.value(
            f"SELECT sum(population) FROM france.{layer}_2024"
        ) == pytest.approx(people, rel=1e-6)
    assert site().database.rows(
        "SELECT count(*), bool_and(population IS NULL) FROM france.iris_2024 WHERE departement_code"
        " = '976'"
    )[0][1]
    assert site().database.value(
        "SELECT population_missing > 0 FROM france.departements_2024 WHERE departement_code = '976'"
    )


def test_paris_lyon_and_marseille_are_rolled_up_from_their_arrondissements(
    published: State[Any],
) -> None:
    rolled = site().database.rows(
        "SELECT commune_code, count(DISTINCT municipal_code) FROM france.iris_2024 WHERE"
        " commune_code <> municipal_code GROUP BY 1 ORDER BY 1"
    )
    assert rolled == [("13055", 16), ("69123", 9), ("75056", 20)]
    cities = "commune_code IN ('13055', '69123', '75056')"
    names = site().database.rows(
        f"SELECT commune_name, departement_code FROM france.communes_2024 WHERE {cities} ORDER BY 1"
    )
    assert names == [("Lyon", "69"), ("Marseille", "13"), ("Paris", "75")]


def test_columns_have_one_name_for_all_years_and_the_catalog_keeps_the_other(
    published: State[Any],
) -> None:
    origin = (
        "SELECT origin FROM catalog.layer_column WHERE dataset = 'france' AND layer = 'iris' AND"
        " name = %s"
    )
    assert site().database.value(origin, "population") == "fr-population.P22_POP"
    assert site().database.value(origin, "executives") == "fr-population.C22_POP15P_STAT_GSEC13_23"
    assert site().database.value(origin, "median_income") == "fr-income.DISP_MED21"


def test_suppressed_incomes_keep_their_reason_and_medians_are_not_aggregated(
    published: State[Any],
) -> None:
    reasons = site().database.value(
        "SELECT string_agg(DISTINCT income_reasons, ' ') FROM france.iris_2024 WHERE median_income"
        " IS NULL"
    )
    assert "median_income: " in reasons
    assert "(ns)" in reasons or "(nd)" in reasons
    columns = {
        name
        for (name,) in site().database.rows(
            "SELECT name FROM catalog.layer_column WHERE dataset = 'france' AND layer = 'communes'"
        )
    }
    assert "households" in columns
    assert not {"median_income", "poverty_rate", "income_gini"} & columns


def test_postal_areas_say_that_they_are_derived(published: State[Any]) -> None:
    described = (
        "SELECT description FROM catalog.layer_column WHERE dataset = 'france' AND layer ="
        " 'postal_codes' AND name = 'postal_code'"
    )
    rule = site().database.value(described)
    assert rule.startswith("DERIVED: the lowest of the postal codes")
    layer = (
        "SELECT description FROM catalog.current_layer WHERE dataset = 'france' AND layer ="
        " 'postal_codes'"
    )
    assert (
        "Postal areas of France, DERIVED: communes that have the same lowest postal code"
        in site().database.value(layer)
    )
    pairs = (
        "SELECT max(postal_codes_of_commune) > 1, max(communes_of_postal_code) > 1 FROM"
        " france.postal_code_communes_2024"
    )
    assert site().database.rows(pairs) == [(True, True)]


@pytest.mark.parametrize(
    ("layout", "vintage"), [("shp", 2023), ("gpkg", 2025), ("gpkg", 2026), ("geoparquet", 2026)]
)
def test_every_layout_gives_every_territory_its_place(
    layout: str, vintage: int, prefect_server: None, other_database: Database, tmp_path: Path
) -> None:
    stated = synthetic.write(tmp_path, iris=400, vintages=(vintage,), layout=layout)
    run(vintage=vintage, mirror=str(tmp_path))
    assert other_database.value("SELECT count(*) FROM france.iris") == sum(
        entry["rows"] for name, entry in stated.items() if name.startswith("fr-iris")
    )
    middle = (
        "SELECT departement_code, avg(ST_X(ST_PointOnSurface(geom))) FROM france.iris WHERE"
        " departement_code LIKE '97%%' GROUP BY 1"
    )
    longitudes = dict(other_database.rows(middle))
    places = {"971": -61, "972": -61, "973": -53, "974": 55, "976": 45}
    assert longitudes.keys() == places.keys()
    assert all(abs(longitudes[code] - place) < 3 for code, place in places.items())


def test_movements_of_communes_are_read_as_a_ledger(database: Database, staging: Staging) -> None:
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE movements (day date, type_before text, code_before text, type_after text,"
            " code_after text);INSERT INTO movements VALUES ('2019-01-01', 'COM', '01033', 'COM',"
            " '01033'), ('2019-01-01', 'COM', '01091', 'COM', '01033'),('2019-01-01', 'COM',"
            " '01091', 'COMD', '01091'), ('2020-01-01', 'COM', '14666', 'COM',"
            " '14666'),('2020-01-01', 'COM', '14666', 'COM', '14712'),('2021-01-01', 'COM',"
            " '01004', 'COM', '01004'), ('2021-06-01', 'COM', '76095', 'COM', '27676')"
        )
    events = movements.read(database, staging.schema, "movements").events
    assert [(str(event.day), event.before, event.after, event.kind) for event in events] == [
        ("2019-01-01", ("01033", "01091"), ("01033",), "merged"),
        ("2020-01-01", ("14666",), ("14666", "14712"), "split"),
        ("2021-06-01", ("76095",), ("27676",), "recoded"),
    ]


EMPTY_TABLES = (
    "CREATE TABLE names_communes (commune_code text, commune_name text, departement_code text,"
    " region_code text, epci_code text);CREATE TABLE names_areas (level text, code text, name"
    " text);CREATE TABLE postal_code_list (municipal_code text, postal_code text, delivery_label"
    " text, coordinates text, latitude_given text, longitude_given text);"
    "CREATE TABLE IF NOT EXISTS movements (day date, type_before text, code_before text,"
    " type_after text, code_after text);"
)


def test_the_census_of_merged_communes_is_added_up_and_what_was_divided_keeps_its_code(
    database: Database, staging: Staging
) -> None:
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE shapes AS SELECT code AS iris_code, '' AS iris_name, 'Z' AS iris_type,"
            " left(code, 5) AS municipal_code,  '' AS municipal_name, ST_MakeEnvelope(5, 46, 5.1,"
            " 46.1, 4326) AS geom FROM unnest('{010010000,010030101,010030102}'::text[]) AS"
            " code;CREATE TABLE population (iris_code text, population double precision,"
            " age_0_to_14 double precision);INSERT INTO population VALUES ('010010000', 100, 10),"
            " ('010020000', 50, null), ('010030101', 7, 1), ('010040000', 3, 1);CREATE TABLE"
            " housing AS SELECT '010020000' AS iris_code, 20.0::double precision AS"
            " dwellings;CREATE TABLE households AS SELECT iris_code, 9 AS households FROM housing;"
            " CREATE TABLE income AS SELECT iris_code, '' AS income_reasons FROM housing;"
            + EMPTY_TABLES
        )
    scripts.run(database, staging, "france_census.sql")
    routes = ledger("2025-01-01: 01001 01002 > 01001\n2025-01-01: 01003 01004 > 01003").succession(
        date(2024, 1, 1), date(2025, 1, 1)
    )
    recoding.follow(database, staging, "census_communes", "municipal_code", routes)
    scripts.run(database, staging, "france.sql", {"income_day": date(2022, 1, 1)})
    found = database.rows(
        f"SELECT iris_code, population, age_0_to_14, dwellings FROM {staging.schema}.iris ORDER"
        " BY 1"
    )
    assert found == [
        ("010010000", 150, None, 20),
        ("010030101", 7, 1, None),
        ("010030102", None, None, None),
    ]
    left = database.rows(
        f"SELECT iris_code FROM {staging.schema}.population_now EXCEPT SELECT iris_code FROM"
        f" {staging.schema}.shapes"
    )
    assert left == [("010040000",)]


def test_an_income_of_other_ground_is_counted_and_never_shown_as_that_of_the_iris(
    database: Database, staging: Staging
) -> None:
    became = {  # communes since the incomes
        "01001": ("01001",),
        "01002": ("01001",),  # merged into one that is not divided
        "02001": ("02001",),
        "02002": ("02001",),  # merged into one that is divided: its IRIS keep their borders
        "03001": ("03999",),  # has another code only
        "04001": ("04001", "04002"),  # parted
    }
    pairs = [(before, after) for before, afters in became.items() for after in afters]
    incomes = "010010000 020010101 020020000 030010101 040010000 050010101 050010102 060010000"
    drawn = (
        "010010000 020010101 020010201 039990101 040010000 040020000 050010101 050010103 060010000"
        " 070010000"
    )
    staging = replace(staging, vintage=2025)
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE shapes AS SELECT code AS iris_code, '' AS iris_name, 'Z' AS iris_type,"
            " left(code, 5) AS municipal_code, '' AS municipal_name, ST_MakeEnvelope(5, 46, 5.1,"
            " 46.1, 4326) AS geom FROM unnest(%s) AS code;CREATE TABLE population AS SELECT"
            " iris_code, 1.0::double precision AS population FROM shapes;CREATE TABLE housing AS"
            " SELECT iris_code, 1 AS dwellings FROM shapes;CREATE TABLE households AS SELECT"
            " iris_code, 1 AS households FROM shapes;"
            "CREATE TABLE income AS SELECT code AS iris_code, 9 AS median_income, NULL::text AS"
            " income_reasons FROM unnest(%s) AS code;",
            (drawn.split(), incomes.split()),
        )
        cursor.execute(EMPTY_TABLES)
        cursor.executemany(
            "INSERT INTO movements VALUES ('2025-01-01', 'COM', %s, 'COM', %s)", pairs
        )
    scripts.run(database, staging, "france_census.sql")
    events = movements.read(database, staging.schema, "movements")
    routes = events.succession(date(2022, 1, 1), date(2025, 1, 1))
    recoding.follow(database, staging, "income_communes", "municipal_code", routes)
    scripts.run(database, staging, "france.sql", {"income_day": date(2022, 1, 1)})
    found = database.rows(
        f"SELECT iris_code, median_income, split_part(income_reasons, ',', 1) FROM"
        f" {staging.schema}.iris ORDER BY 1"
    )
    other, none = "all: other geography", "all: not in the table of incomes"
    assert found == [
        ("010010000", None, other),
        ("020010101", 9, None),
        ("020010201", None, other),
        ("039990101", 9, None),
        ("040010000", None, other),
        ("040020000", None, none),
        ("050010101", 9, None),
        ("050010103", None, other),
        ("060010000", 9, None),
        ("070010000", None, none),
    ]
    lost = database.rows(
        f"SELECT iris_code FROM {staging.schema}.income_now EXCEPT SELECT iris_code FROM"
        f" {staging.schema}.shapes ORDER BY 1"
    )
    assert [code for (code,) in lost] == [
        "010010000 (other ground)",
        "020020000 (other ground)",
        "040010000 (other ground)",
        "050010102",
    ]


@pytest.mark.parametrize(("paris", "passes"), [(992, True), (991, False), (0, False)])
def test_the_iris_of_paris_are_counted_in_the_archive_of_metropolitan_france(
    paris: int, passes: bool, database: Database, staging: Staging, tmp_path: Path
) -> None:
    source = replace(ign.iris(2025)["fxx"], rows=None, urls=(str(tmp_path),))
    original = Original(
        source=source, sha256="", size=0, url="", retrieved_at=datetime.now(UTC), state="new"
    )
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE shapes_fxx AS SELECT '75' || lpad(n::text, 7, '0') AS iris_code FROM"
            " generate_series(1, %s) AS n UNION ALL SELECT '760010000'",
            (paris,),
        )
    held = Input(name="shapes_fxx", original=original)
    if passes:
        check_rows.fn(staging, held)
    else:
        with pytest.raises(CheckFailed, match=f"with iris_code 75%.*expected 992, found {paris}"):
            check_rows.fn(staging, held)


LAYOUTS = {  # of La Poste's list: what coordinates of one pair become
    "one column": ("coordonnees_gps", "46.2,5.6", (46.2, 5.6)),
    "one column, newer": ("_geopoint", '"46.2,5.6"', (46.2, 5.6)),
    "two columns": ("latitude;longitude", "46.2;5.6", (46.2, 5.6)),
    "two columns, short": ("lat;lon", "46.2;5.6", (46.2, 5.6)),
    "none": ("ligne_5", "", (None, None)),
    "an empty cell": ("coordonnees_gps", "", (None, None)),
}
HALVES = {"latitude": "46.2", "longitude": "5.6", "lat;x": "46.2;5.6"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_coordinates_of_postal_codes_are_read_in_every_layout(
    layout: str, database: Database, staging: Staging, tmp_path: Path
) -> None:
    heading, cells, expected = LAYOUTS[layout]
    named = "code_commune_insee;nom_de_la_commune;code_postal;libelle_d_acheminement"
    path = tmp_path / "list.csv"
    path.write_text(f"{named};{heading}\n01011;APREMONT;01100;APREMONT;{cells}\n")
    reads = insee_lists.postal_codes(2025).reads
    load(database, staging.schema, "postal_code_list", path, reads)  # type: ignore[arg-type]
    script = (SQL / "france.sql").read_text(encoding="utf-8")
    made = script[script.index("CREATE TABLE postal_code_communes") :].partition(";")[0]
    with database.session(staging.schema) as cursor:
        cursor.execute(made)
        cursor.execute("SELECT latitude, longitude FROM postal_code_communes")
        assert cursor.fetchall() == [expected]


@pytest.mark.parametrize("heading", HALVES)
def test_half_of_the_coordinates_of_a_pair_is_refused(
    heading: str, database: Database, staging: Staging, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    named = "code_commune_insee;nom_de_la_commune;code_postal;libelle_d_acheminement"
    path.write_text(f"{named};{heading}\n01011;APREMONT;01100;APREMONT;{HALVES[heading]}\n")
    reads = insee_lists.postal_codes(2025).reads
    load(database, staging.schema, "postal_code_list", path, reads)  # type: ignore[arg-type]
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE shapes AS SELECT '010110000' AS iris_code, '' AS municipal_code;CREATE"
            " TABLE population AS SELECT iris_code, 1 AS population FROM shapes;CREATE TABLE"
            " housing AS SELECT * FROM population;CREATE TABLE households AS SELECT * FROM"
            " population;CREATE TABLE income AS SELECT iris_code, '' AS income_reasons FROM shapes;"
        )
        cursor.execute(
            EMPTY_TABLES.replace("CREATE TABLE postal", "CREATE TABLE IF NOT EXISTS postal")
        )
    scripts.run(database, staging, "france_census.sql")
    with pytest.raises(CheckFailed, match="a latitude and a longitude or neither"):
        scripts.run(database, staging, "france.sql", {"income_day": date(2022, 1, 1)})


@pytest.mark.parametrize("subject", ["population", "housing", "households"])
@pytest.mark.parametrize("year", [2023, 2025])
def test_a_census_of_another_year_or_without_a_figure_is_refused(
    subject: str, year: int, database: Database, staging: Staging, tmp_path: Path
) -> None:
    reads: Any = insee.figures(year)[subject].reads
    headings = [column.names[0] for column in reads.columns.values()]
    assert not [name for name, column in reads.columns.items() if column.optional]
    other = [
        heading.replace(f"{insee.RELEASES[year].census % 100}_", "18_") for heading in headings
    ]
    for wrong in (other, headings[:-1]):
        path = tmp_path / "table.CSV"
        path.write_text(";".join(wrong) + "\n" + ";".join(["010010000"] + ["1"] * len(wrong[1:])))
        with pytest.raises(SourceError, match="lacks the declared column"):
            load(database, staging.schema, subject, path, reads)


def test_codes_of_all_days_are_each_followed_to_that_of_today(
    database: Database, staging: Staging
) -> None:
    movements_of = """
        1968-01-01: 75059 > 93059
        1970-01-01: 01002 > 01001
        1973-01-01: 01003 01004 > 01004
        1990-01-01: 01004 > 01003 01004
        1990-02-01: 02009 > 01002
        2014-01-01: 14697 14472 > 14472
        2017-01-01: 14472 14654 > 14654
        2018-01-01: 49144 > 44225
        2018-01-01: 44225 44180 > 44180
        2019-01-01: 33055 > 33056 33057
        2025-01-01: 93059 93066 > 93066
        2027-01-01: 93066 > 93067
    """
    followed = {
        "75059": "93066",
        "93059": "93066",
        "93066": "93066",  # by every code it ever had
        "01002": "01002",
        "02009": "01002",  # taken anew by another area
        "01003": "01003",
        "01004": "01004",  # restored
        "14697": "14654",
        "14472": "14654",
        "49144": "44180",
        "44225": "44180",
        "33055": "33055",  # named: divided
    }
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE stock AS SELECT code AS was, code FROM unnest(%s) AS code",
            (list(followed),),
        )
    routes = ledger(movements_of).succession(date(1943, 1, 1), date(2026, 1, 1))
    done = recoding.follow(database, staging, "stock", "code", routes)
    assert dict(database.rows(f"SELECT was, code FROM {staging.schema}.stock")) == followed
    assert [outcome.route.before for outcome in done.named()] == [("33055",)]
    assert recoding.follow(database, staging, "stock", "code", routes).rows == 0, (
        "once more changes nothing"
    )


# --- the publishers' real files

# IRIS, rows of income 2018, rows of population 2016 and their residents below 75: the figures
# stated beside the samples
TEN = {
    "01": (474, 41, 70, 182_279),
    "06": (500, 334, 353, 799_303),
    "13": (840, 626, 698, 1_596_948),
    "2A": (150, 28, 27, 70_500),
    "44": (514, 252, 302, 808_196),
    "69": (771, 434, 481, 1_277_083),
    "75": (992, 870, 861, 1_978_667),
    "92": (616, 605, 613, 1_481_950),
    "93": (614, 585, 590, 1_500_321),
    "94": (527, 505, 513, 1_255_408),
}
AGES = ("POP0014", "POP1529", "POP3044", "POP4559", "POP6074", "POP75P")


def _persons(headings: str, line: str) -> str:
    """The sum of the ages of a line, nothing where there are none."""
    places = [headings.split(",").index(f"P16_{age}") for age in AGES]
    ages = [line.split(",")[place] for place in places]
    return repr(sum(map(float, ages))) if all(ages) else ""


def real_mirror(folder: Path, files: Path, archive: Path, iris: int) -> str:
    """Real IRIS of 2016 with the census of 2016 and the incomes of 2018; the lists of communes and
    of what they belong to are made from them.
    """
    france_files = files / "france"
    communes, codes = set(), set()
    for _, path in take_all(archive, "*.geojson", folder / "read"):
        written = path.read_text()
        communes |= {*re.findall(r'"INSEE_COM":\s*"(\w+)"', written)}
        codes |= {*re.findall(r'"CODE_IRIS":\s*"(\w+)"', written)}
    rolled = {_commune(code) for code in communes}
    for name in (
        "base-ic-evol-struct-pop-2016_extract_type_H.csv.gz",
        "base-ic-logement-2016_extract_type_H.csv.gz",
    ):
        lines = gzip.decompress((france_files / name).read_bytes()).decode().splitlines()
        kept = _of_departements(lines, 1, ",", communes)
        if "POP0014" in kept[0]:  # the extract has no total
            kept = [
                f"{kept[0]},P16_POP",
                *(f"{line},{_persons(kept[0], line)}" for line in kept[1:]),
            ]
        left_out = sorted(
            codes - {line.split(",")[1] for line in kept}
        )  # the extract has habitat only: the other IRIS get rows without figures
        (folder / name.removesuffix(".gz")).write_text(
            "\n".join([*kept, *(f",{code}" + "," * (kept[0].count(",") - 1) for code in left_out)])
        )
    lines = (france_files / "BASE_TD_FILO_DISP_IRIS_2018.csv").read_text().splitlines()
    (folder / "BASE_TD_FILO_DISP_IRIS_2018.csv").write_text(
        "\n".join(_of_departements(lines, 0, ";", communes))
    )
    titles: list[tuple[str, ...]] = [("above the headings",)] * 5
    departements = sorted({code[:2] for code in rolled})
    sheets = {
        "COM": [
            *titles,
            ("CODGEO", "LIBGEO", "DEP", "REG", "EPCI"),
            *((code, code, code[:2], "00", "ZZZZZZZZZ") for code in sorted(rolled)),
        ],
        "Zones_supra_communales": [
            *titles,
            ("NIVGEO", "CODGEO", "LIBGEO", "NB_COM"),
            *(("DEP", code, code, "1") for code in departements),
            ("REG", "00", "sample", "1"),
        ],
    }
    write_xlsx(folder / "memberships.xlsx", sheets)
    # made up, as no sample has households, nor the list of 2021 the communes that merged until then
    households = ["IRIS;C21_MEN", *(f"{code};1" for code in sorted(codes))]
    (folder / "households.csv").write_text("\n".join(households))
    posted = gzip.decompress((france_files / "laposte_hexasmal_2021.csv.gz").read_bytes()).decode()
    listed = {line.partition(";")[0] for line in posted.splitlines()}
    posted += "".join(f"{code};;{code};;;\n" for code in communes - listed)
    (folder / "laposte_hexasmal_2021.csv.gz").write_bytes(gzip.compress(posted.encode()))
    (folder / "movements.csv").write_text("DATE_EFF,TYPECOM_AV,COM_AV,TYPECOM_AP,COM_AP\n")
    absent = {"optional": True}
    people: dict[str, Any] = dict.fromkeys(insee_columns.POPULATION, absent) | {
        name: {"names": [f"P16_{heading}"]}
        for name, heading in zip(
            (
                "age_0_to_14",
                "age_15_to_29",
                "age_30_to_44",
                "age_45_to_59",
                "age_60_to_74",
                "age_75_and_over",
            ),
            AGES,
            strict=True,
        )
    }
    people["population"] = {"names": ["P16_POP"]}
    old = insee_columns.of_year(insee_columns.INCOME, 2018)
    sources = {
        "fr-iris-2023": {
            "path": archive.name,
            "container": "7z" if archive.suffix == ".7z" else "zip",
            "member": "*.geojson",
            "rows": iris,
            "reads": {"crs_of": {}},
        },
        "fr-population-2023": {
            "path": "base-ic-evol-struct-pop-2016_extract_type_H.csv",
            "container": "text",
            "member": None,
            "reads": {"delimiter": ",", "columns": people},
        },
        "fr-housing-2023": {
            "path": "base-ic-logement-2016_extract_type_H.csv",
            "container": "text",
            "member": None,
            "reads": {
                "delimiter": ",",
                "columns": dict.fromkeys(insee_columns.HOUSING, absent)
                | {"social_housing": {"names": ["P16_RP_LOCHLMV"]}},
            },
        },
        "fr-households-2023": {
            "path": "households.csv",
            "container": "text",
            "member": None,
            "reads": {"columns": dict.fromkeys(insee_columns.HOUSEHOLDS, absent)},
        },
        "fr-income-2023": {
            "path": "BASE_TD_FILO_DISP_IRIS_2018.csv",
            "container": "text",
            "member": None,
            "reads": {
                "decimal_point": ".",
                "columns": {name: {"names": list(column.names)} for name, column in old.items()},
            },
        },
        "fr-movements-2023": {"path": "movements.csv", "container": "text"},
        "fr-postal-codes-2023": {
            "path": "laposte_hexasmal_2021.csv.gz",
            "container": "gzip",
            "rows": len(posted.splitlines()) - 1,
            "reads": {"encoding": "utf-8"},
        },
        "fr-memberships-2023": {"path": "memberships.xlsx", "container": "xlsx", "member": None},
    }
    (folder / "mirror.json").write_text(
        json.dumps(
            {
                "label": "real-samples",
                "about": "Real files, cut to some départements.",
                "sources": sources,
            }
        )
    )
    if archive.parent != folder:
        (folder / archive.name).symlink_to(archive)
    return str(folder)


def _of_departements(lines: list[str], place: int, delimiter: str, communes: set[str]) -> list[str]:
    """The heading and the rows of some départements of a national file, letter for letter."""
    departements = {code[:2] for code in communes}
    return [
        lines[0],
        *(line for line in lines[1:] if line.split(delimiter)[place][:2] in departements),
    ]


def _commune(code: str) -> str:
    """The commune of an arrondissement of Paris, Lyon or Marseille, or the code itself."""
    return {"751": "75056", "6938": "69123", "132": "13055"}.get(
        code[:4] if code.startswith("69") else code[:3], code
    )


def coverage(database: Database, figures: str) -> dict[str, int]:
    """IRIS with a figure, by the first two characters of their codes."""
    counted = database.rows(
        f"SELECT left(iris_code, 2), count(*) FROM france.iris WHERE {figures} IS NOT NULL GROUP"
        " BY 1"
    )
    return dict(counted)


def in_files(files: Path, geometries: set[str]) -> tuple[Counter[str], Counter[str]]:
    """The same, counted in the files themselves: rows of incomes, rows of population."""
    with (files / "france" / "BASE_TD_FILO_DISP_IRIS_2018.csv").open(encoding="utf-8") as file:
        incomes = Counter(
            row["IRIS"][:2]
            for row in csv.DictReader(file, delimiter=";")
            if row["IRIS"] in geometries
        )
    with gzip.open(
        files / "france" / "base-ic-evol-struct-pop-2016_extract_type_H.csv.gz",
        "rt",
        encoding="utf-8",
    ) as file:
        people = Counter(
            row["IRIS"][:2] for row in csv.DictReader(file) if row["IRIS"] in geometries
        )
    return incomes, people


@pytest.fixture
def without_epci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bear that the real files tell of no EPCI."""
    monkeypatch.setattr("flows.france.FRANCE", replace(FRANCE, may_be_empty=("epci",)))


@pytest.mark.real
@pytest.mark.usefixtures("without_epci")
def test_the_real_iris_of_59_departements(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    archive = real_files / "france" / "contours-iris_2016_59_departements.7z"
    run(vintage=2023, mirror=real_mirror(tmp_path, real_files, archive, 23_983))
    assert other_database.rows(
        "SELECT count(*), count(DISTINCT departement_code) FROM france.iris"
    ) == [(23_983, 59)]
    invalid = "SELECT sum((report ->> 'invalid_before')::integer) FROM catalog.topology_report"
    assert other_database.value(invalid) == 3
    geometries = {code for (code,) in other_database.rows("SELECT iris_code FROM france.iris")}
    incomes, people = in_files(real_files, geometries)
    assert coverage(other_database, "income_note") == dict(incomes)
    assert coverage(other_database, "age_0_to_14") == dict(people)
    pairs = (
        "SELECT count(*), count(*) FILTER (WHERE latitude IS NULL) FROM france.postal_code_communes"
    )
    assert other_database.rows(pairs)[0][0] > 35_000


@pytest.mark.real
@pytest.mark.usefixtures("without_epci")
def test_the_real_iris_of_ten_departements_in_ten_zips_are_one_load(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    archive = tmp_path / "ten.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for code in TEN:
            packed.write(
                real_files / "france" / f"contours-iris_2016_{code}.geojson.zip",
                f"contours-iris_2016_{code}.geojson.zip",
            )
    run(
        vintage=2023,
        mirror=real_mirror(
            tmp_path, real_files, archive, sum(stated[0] for stated in TEN.values())
        ),
    )
    ages = "age_0_to_14 + age_15_to_29 + age_30_to_44 + age_45_to_59 + age_60_to_74"
    figures = f"count(*), count(income_note), count(age_0_to_14), round(sum({ages}))"
    found = {
        code: counted
        for code, *counted in other_database.rows(
            f"SELECT left(iris_code, 2), {figures} FROM france.iris GROUP BY 1"
        )
    }
    people_without, incomes_without = (
        Counter({"44": 2}),
        Counter({"01": 2, "44": 1}),
    )  # rows of the files that have no IRIS of 2016
    assert {
        code: (iris, incomes + incomes_without[code], people + people_without[code])
        for code, (iris, incomes, people, _) in found.items()
    } == {code: stated[:3] for code, stated in TEN.items()}
    suppressed = (
        "SELECT iris_code FROM france.iris WHERE income_note IS NOT NULL AND income_reasons LIKE"
        " '%%median_income: absent%%'"
    )
    assert other_database.rows(suppressed) == [("920350102",)]
    residents = {
        code: abs(float(people) - TEN[code][3])
        for code, (*_, people) in found.items()
        if code != "44"
    }
    assert max(residents.values()) <= 1
    cities = dict(
        other_database.rows(
            "SELECT commune_code, area_km2::float FROM france.communes WHERE commune_code IN"
            " ('75056', '69123')"
        )
    )
    assert cities == pytest.approx(
        {"69123": 47.9, "75056": 105.4}, rel=0.01
    )  # rolled up from their arrondissements


@pytest.mark.real
def test_the_real_postal_codes_are_read_in_both_layouts(
    real_files: Path, database: Database, staging: Staging, tmp_path: Path
) -> None:
    reads = replace(insee_lists.postal_codes(2024).reads, encoding="utf-8")  # type: ignore[type-var]
    older = tmp_path / "laposte_hexasmal_2021.csv"
    older.write_bytes(
        gzip.decompress((real_files / "france" / "laposte_hexasmal_2021.csv.gz").read_bytes())
    )
    for table, path in (("older", older), ("newer", real_files / "france" / "019HexaSmal.csv")):
        assert load(database, staging.schema, table, path, reads).rows == 39_192  # type: ignore[arg-type]
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE coordinates IS NULL), count(DISTINCT postal_code),"
            " count(DISTINCT municipal_code) FROM older"
        )
        assert cursor.fetchall() == [(270, 6_328, 35_097)]
