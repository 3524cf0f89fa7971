"""The register of establishments on the areas of France: located, counted, started by its
dependency, and from both formats.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import pandas
import processes
import pytest
from conftest import database_of_its_own
from deployed import wait
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from synthetic import france as areas
from synthetic import sirene as synthetic
from test_france import real_mirror

from flows.france import FRANCE, france
from flows.sirene import CODE_LISTS, UNKNOWN, sirene
from tasks.core.catalog import foundations
from tasks.core.making.joining import scripts
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.nouns import Unknown
from tasks.running.site import site
from tasks.verbs.code_events import check_codes
from tasks.verbs.joins import locate
from tasks.verbs.publishing import stand_on

ROOT = Path(__file__).resolve().parents[1]
SERVED = (
    "import sys; from flows.france import france; france.serve(name='france', parameters={'mirror':"
    " sys.argv[1], 'vintage': 2024})"
)


class World:
    """A synthetic France and the establishments in it, as mirrors, with what is known of them."""

    def __init__(
        self,
        folder: Path,
        year: int = 2026,
        establishments: int = 4000,
        iris: int = 400,
        **more: Any,
    ) -> None:
        self.areas, self.register, self.year = folder / "france", folder / f"sirene-{year}", year
        if not self.areas.exists():
            areas.write(self.areas, iris=iris, vintages=(2024,))
        month = date(year, 11, 1)
        self.counts = synthetic.write(
            self.register, establishments=establishments, areas=self.areas, month=month, **more
        ).counts
        self.mirror("parquet")
        expected = self.register / "expected_iris.csv"  # not made of very many establishments
        text = expected.read_text() if expected.exists() else ""
        self.iris = {row["siret"]: row["code_iris"] for row in csv.DictReader(text.splitlines())}

    def mirror(self, form: str) -> str:
        """Describe the files of one format; the rows are those that the flow keeps, the active
        ones.
        """
        stated = json.loads((self.register / "mirror.json").read_text())
        names = {
            f"fr-sirene-{self.year}": "StockEtablissement_utf8",
            f"fr-sirene-geolocation-{self.year}": (
                "GeolocalisationEtablissement_Sirene_pour_etudes_statistiques_utf8"
            ),
        }
        for slug, name in names.items():
            entry = stated["sources"][slug] = {
                "rows": stated["sources"][slug]["rows"],
                "container": form,
                "path": f"{name}.{form}",
            }
            if form == "zip" and "geolocation" in slug:
                entry["reads"] = {"delimiter": ";"}
        stated["sources"][f"fr-sirene-{self.year}"]["rows"] = self.counts.active
        with (self.areas / "2024" / "v_mvt_commune_2024.csv").open(newline="") as file:
            movements = list(csv.DictReader(file))
        with (self.register / "v_mvt_commune_2024.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, movements[0].keys())
            writer.writeheader()
            writer.writerows(movements)
            for gone, into in self.counts.former_codes.items():
                writer.writerow(
                    {
                        "MOD": "32",
                        "DATE_EFF": "2016-01-01",
                        "TYPECOM_AV": "COM",
                        "COM_AV": gone,
                        "TYPECOM_AP": "COM",
                        "COM_AP": into,
                    }
                )
        stated["sources"][f"fr-movements-{self.year}"] = {
            "path": "v_mvt_commune_2024.csv",
            "container": "text",
        }
        (self.register / "mirror.json").write_text(json.dumps(stated))
        return str(self.register)


def run(flow: Any, **parameters: Any) -> State[Any]:
    state: State[Any] = flow(**parameters, return_state=True)
    if not state.is_completed():
        state.result()
    return state


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A small world."""
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def shelter(
    cluster_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database in which no other test has published areas."""
    with database_of_its_own(
        cluster_database, tmp_path_factory.mktemp("shelter") / "archive"
    ) as made:
        yield made


@pytest.fixture(scope="module")
def served(world: World, prefect_server: None, shelter: Database) -> Iterator[None]:
    """The deployment of france, served by a program of its own, as a worker would run it."""
    environment = os.environ | {
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    command = (sys.executable, "-c", SERVED, str(world.areas))
    with (
        processes.started(*command, env=environment, cwd=ROOT),
        get_client(sync_client=True) as client,
    ):
        wait(
            lambda: [one for one in client.read_deployments() if one.name == "france"],
            "the deployment of france",
        )
        yield


@pytest.fixture(scope="module")
def published(world: World, served: None) -> State[Any]:
    """The run that found no areas and started the flow that makes them."""
    return run(sirene, start_france=True, mirror=str(world.register))


def test_without_its_areas_the_flow_says_what_to_do(
    prefect_server: None, other_database: Database, world: World
) -> None:
    said = (
        r"is made from france \(iris, communes\) of 2024 or newer, and no edition of it is shown"
        r" .*python flows/france\.py"
    )
    with pytest.raises(CheckFailed, match=said):
        run(sirene, mirror=str(world.register))


def test_the_run_started_the_flow_it_stands_on_and_keeps_which_edition(
    published: State[Any],
) -> None:
    stood = site().database.rows(
        "SELECT d.on_dataset, d.layers, e.vintage FROM catalog.edition_dependency d JOIN"
        " catalog.edition e ON e.dataset = on_dataset AND e.number = on_number JOIN"
        " catalog.current_edition c ON c.dataset = d.dataset AND c.number = d.number WHERE"
        " d.dataset = 'sirene'"
    )
    assert ("france", ["iris", "communes"], 2024) in stood
    with pytest.raises(
        CheckFailed,
        match=r"france \(iris\) of 2031 or newer, and the newest edition shown, \d+, is of 2024",
    ):
        stand_on.fn("france", ["iris"], at_least=2031)
    with pytest.raises(CheckFailed, match="lacks parishes"):
        foundations.find(site().database, "france", ["iris", "parishes"], 2024)


def test_an_edition_says_its_month(published: State[Any]) -> None:
    month, said = site().database.rows(
        "SELECT e.as_of, l.description FROM catalog.edition e JOIN catalog.layer l"
        " USING (dataset, number) WHERE dataset = 'sirene' ORDER BY number, layer"
    )[0]
    assert month.day == 1
    assert f", {month:%B %Y}." in said


def test_each_public_establishment_is_in_the_right_iris(
    published: State[Any], world: World
) -> None:
    found = dict(
        site().database.rows(
            "SELECT siret, iris_code FROM sirene.establishments WHERE iris_by IN ('geolocation',"
            " 'stock')"
        )
    )
    assert len(found) > 1000
    assert {siret: iris for siret, iris in found.items() if world.iris[siret] != iris} == {}
    by_commune = (
        "SELECT count(*), count(*) FILTER (WHERE right(iris_code, 4) = '0000') FROM"
        " sirene.establishments WHERE iris_by = 'commune'"
    )
    everyone, undivided = site().database.rows(by_commune)[0]
    assert everyone == undivided > 0


def test_what_is_not_public_is_counted_and_never_located_or_named(
    published: State[Any], world: World
) -> None:
    counted = site().database.rows(
        "SELECT sum(establishments), sum(not_public) FROM sirene.counts_by_commune"
    )
    assert counted == [(world.counts.active, world.counts.active_partial)]
    assert (
        site().database.value("SELECT count(*) FROM sirene.establishments")
        == world.counts.active - world.counts.active_partial
    )
    assert (
        site().database.value(
            "SELECT count(*) FROM sirene.establishments WHERE name LIKE '%%[ND]%%' OR sign LIKE"
            " '%%[ND]%%'"
        )
        == 0
    )
    located = (
        "SELECT (SELECT sum(establishments) FROM sirene.counts_by_iris) = (SELECT count(iris_code)"
        " FROM sirene.establishments)"
    )
    assert site().database.value(located)


def test_communes_that_merged_are_carried_to_those_of_today(
    published: State[Any], world: World
) -> None:
    changes = (
        "SELECT DISTINCT before[1], after[1] FROM catalog.code_change WHERE dataset = 'sirene' AND"
        " verdict = 'carried'"
    )
    former, carried = world.counts.former_codes, dict(site().database.rows(changes))
    assert former.keys() & carried.keys()
    assert {code: into for code, into in carried.items() if former.get(code, into) != into} == {}
    told = "SELECT DISTINCT municipal_code FROM sirene.establishments WHERE code_change IS NOT NULL"
    assert {code for (code,) in site().database.rows(told)} <= set(former.values())
    assert (
        site().database.value(
            "SELECT count(*) FROM sirene.establishments WHERE code_change LIKE '%% on 2016-01-01'"
        )
        > 0
    )
    assert (
        site().database.rows(
            "SELECT municipal_code FROM sirene.counts_by_commune WHERE municipal_code = ANY (%s)",
            list(former),
        )
        == []
    )


def test_activities_and_bands_of_the_head_count_have_labels(published: State[Any]) -> None:
    labels = (
        "SELECT code_list, count(*), count(label_en) FROM catalog.code_label WHERE dataset ="
        " 'sirene' GROUP BY 1 ORDER BY 1"
    )
    assert site().database.rows(labels) == [
        ("head_count_bands", 16, 16),
        ("naf2025_divisions", 89, 89),
        ("naf_divisions", 90, 90),
        ("naf_nomenclatures", 6, 6),
        ("older_divisions", 1, 1),
    ]
    used = (
        "SELECT count(*) FROM sirene.establishments e LEFT JOIN catalog.code_label l ON l.code_list"
        " = 'naf_divisions' AND l.code = e.naf_division"
    )
    assert site().database.value(f"{used} WHERE l.code IS NULL") == 0


def test_the_table_is_partitioned_and_a_map_query_reads_one_partition_by_its_index(
    published: State[Any],
) -> None:
    table = site().database.value(
        "SELECT schema_name || '.establishments' FROM catalog.current_edition WHERE dataset ="
        " 'sirene'"
    )
    assert site().database.value("SELECT count(*) FROM pg_partition_tree(%s::regclass)", table) > 90
    asked = (
        "SELECT count(*) FROM sirene.establishments WHERE departement_code = '75' AND geom &&"
        " ST_MakeEnvelope(2.2, 48.8, 2.5, 49, 4326)"
    )
    plan = "\n".join(line for (line,) in site().database.rows(f"EXPLAIN {asked}"))
    assert "establishments_75" in plan
    assert "establishments_13" not in plan


def test_the_zip_is_read_as_it_is_packed_and_gives_the_same(
    published: State[Any], world: World, tmp_path: Path
) -> None:
    counts = (
        "SELECT layer, content_hash FROM catalog.current_layer WHERE dataset = 'sirene' AND layer"
        " LIKE 'counts%%' ORDER BY 1"
    )
    before = site().database.rows(counts)
    run(sirene, mirror=world.mirror("zip"))
    world.mirror("parquet")
    assert site().database.rows(counts) == before, (
        "only the digits of coordinates differ between the formats"
    )
    data = Path(os.environ["GEODATA_DATA"])
    assert not list(data.rglob("StockEtablissement_utf8.csv")), "nothing was unpacked to the disk"


def test_a_new_edition_of_the_areas_makes_new_counts_and_the_same_one_does_not(
    published: State[Any], world: World
) -> None:
    run(sirene, mirror=str(world.register))
    assert "Nothing new for sirene" in str(run(sirene, mirror=str(world.register)).message)
    run(
        france, vintage=2024, mirror=str(world.areas), rebuild=True
    )  # another edition of the same content
    assert "Nothing new for sirene" in str(run(sirene, mirror=str(world.register)).message)
    with site().database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.layer SET content_hash = 'changed' WHERE dataset = 'france' AND layer ="
            " 'iris'"
        )
    assert "Published sirene 2026" in str(run(sirene, mirror=str(world.register)).message)


def test_hard_rows_have_one_clear_place_and_count(database: Database, staging: Staging) -> None:
    square = "ST_Multi(ST_MakeEnvelope({}, {}, {}, {}, 4326))".format
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE france_iris (iris_code text, municipal_code text, commune_code text,"
            " departement_code text, geom geometry(MultiPolygon, 4326));"
            "CREATE TABLE france_communes (commune_code"
            " text);INSERT INTO france_iris VALUES ('751010101', '75101', '75056', '75',"
            f" {square(2.3, 48.8, 2.4, 48.9)}),('751010102', '75101', '75056', '75',"
            f" {square(2.4, 48.8, 2.5, 48.9)}),('010010000', '01001', '01001', '01',"
            f" {square(5, 46, 5.1, 46.1)});CREATE TABLE positions (siret text, quality text,"
            " latitude double precision, longitude double precision);INSERT INTO positions VALUES"
            " ('border', '11', 48.85, 2.4);CREATE TABLE stock AS SELECT siret, municipal_code, x"
            " AS lambert_x, y AS lambert_y, naf_code, 'O' AS diffusion,  'NAFRev2' AS"
            " nomenclature, null::text AS naf2025_code, null::text AS name, null::text AS sign,"
            " null::text AS postal_code,"
            " null::date AS created,  true AS is_headquarters,  null::text AS head_count_band,"
            " municipal_code AS published_code, null::text AS code_change  FROM (VALUES ('border',"
            " '75101', null, null, '01.11Z'), ('own', '75101', '652000', '6862000', null), "
            " ('far', '01001', '0', '0', '56.10A'), ('masked', '75101', '[ND]', '[ND]', '56.10A'),"
            " ('odd', '97101', '99999999', '5', '56.10A'),  ('abroad', null, null, null,"
            " '56.10A'))  AS v(siret, municipal_code, x, y, naf_code)"
        )
        cursor.execute(
            "UPDATE stock SET nomenclature = 'NAF2025', naf2025_code = naf_code WHERE siret ="
            " 'masked'"
        )
    scripts.run(database, staging, "sirene_points.sql")
    locate.fn(staging, "public_stock", "france_iris", into="found", key="siret", code="iris_code")
    assert scripts.run(database, staging, "sirene.sql")["establishments"] == 6
    found = database.rows(
        "SELECT siret, departement_code, iris_code, iris_by, naf_division, geom IS NULL FROM"
        f" {staging.schema}.establishments ORDER BY siret"
    )
    assert found == [
        ("abroad", "ZZ", None, None, "56", True),
        (
            "border",
            "75",
            "751010101",
            "geolocation",
            "01",
            False,
        ),  # on the border of two: the lower code
        (
            "far",
            "01",
            "010010000",
            "commune",
            "56",
            True,
        ),  # coordinates far from the commune are none; its only IRIS is left
        ("masked", "75", None, None, "56", True),
        ("odd", "ZZ", None, None, "56", True),
        ("own", "75", "751010101", "stock", "other", False),
    ]
    counted = database.rows(
        "SELECT municipal_code, nomenclature, establishments FROM"
        f" {staging.schema}.counts_by_commune WHERE naf_division = '56' ORDER BY 1, 2"
    )
    assert counted == [  # the same digits of two nomenclatures are two divisions
        ("01001", "NAFRev2", 1),
        ("75101", "NAF2025", 1),
        ("97101", "NAFRev2", 1),
        ("ZZZZZ", "NAFRev2", 1),
    ]


@pytest.fixture
def register(database: Database, staging: Staging) -> Staging:
    """Labels, and counts of establishments in two nomenclatures, three in all of an unknown one."""
    scripts.run(database, staging, "sirene_labels.sql")
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE counts AS SELECT * FROM (VALUES ('NAFRev2', '47', 97::bigint),"
            " ('NAF2025', '47', 100), ('NAFRev1', 'other', 3))"
            " AS v(nomenclature, naf_division, establishments)"
        )
    return staging


def change(database: Database, staging: Staging, change: str) -> None:
    with database.session(staging.schema) as cursor:
        cursor.execute(change)


def hold(staging: Staging, most: float = 0.05, jump: float = 0.01) -> None:
    unknown = Unknown(codes=("other",), share=most, counted="establishments", jump=jump)
    lists = {name: CODE_LISTS[name] for name in ("nomenclature", "naf_division")}
    check_codes.fn(staging, "counts", lists, unknown={"naf_division": unknown})


def test_a_division_is_held_to_the_list_of_its_nomenclature(
    database: Database, register: Staging
) -> None:
    hold(register)
    change(
        database, register, "UPDATE counts SET naf_division = '45' WHERE nomenclature = 'NAF2025'"
    )
    with pytest.raises(CheckFailed, match=r"unknown naf_division of counts .* it is 51\.50%"):
        hold(register)
    change(
        database, register, "UPDATE counts SET nomenclature = 'NAFRev2' WHERE naf_division = '45'"
    )
    hold(register)  # 45 is a division of NAF rev. 2


def test_an_unknown_nomenclature_stops_the_run(database: Database, register: Staging) -> None:
    change(
        database, register, "UPDATE counts SET nomenclature = 'NAF26' WHERE establishments = 100"
    )
    with pytest.raises(CheckFailed, match="nomenclature: NAF26"):
        hold(register)


def test_a_share_of_unknown_codes_that_jumps_stops_the_run(
    database: Database, register: Staging
) -> None:
    hold(register)
    with pytest.raises(CheckFailed, match=r"expected to be at most 1\.00%; it is 1\.50%"):
        hold(register, most=0.01)
    database.outside_transaction(
        "INSERT INTO catalog.edition (dataset, number, vintage, code_revision, fingerprint, state,"
        " schema_name) SELECT dataset, number - 1000, 2020, '', '', 'published', 'gone' FROM"
        f" catalog.edition WHERE schema_name = '{register.schema}'"
    )
    database.outside_transaction(
        "INSERT INTO catalog.step (dataset, number, ordinal, verb, subject, sentence, seconds,"
        f" peak_mib, figures) VALUES ('testland', {register.edition - 1000}, 1, 'check_codes',"
        """ 'counts', '', 0, 0, '{"unknown": {"naf_division": 0.004}}')"""
    )
    with pytest.raises(CheckFailed, match=r"at most 1\.40% \(0\.40% in the last edition\)"):
        hold(register)
    hold(register, jump=0.02)


def test_a_share_of_nothing_is_no_share(database: Database, register: Staging) -> None:
    change(database, register, "DELETE FROM counts")
    with pytest.raises(CheckFailed, match="nomenclature: no code at all"):
        hold(register)


@pytest.mark.real
def test_the_forty_real_establishments_are_in_the_right_iris(
    real_files: Path,
    prefect_server: None,
    tmp_path: Path,
    other_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # many of the forty are closed, with activities of older nomenclatures
    borne = replace(UNKNOWN["naf_division"], share=0.5)
    monkeypatch.setitem(UNKNOWN, "naf_division", borne)
    monkeypatch.setattr("flows.france.FRANCE", replace(FRANCE, may_be_empty=("epci",)))
    archive = real_files / "france" / "contours-iris_2016_01.geojson.zip"
    (tmp_path / "areas").mkdir()
    areas = real_mirror(tmp_path / "areas", real_files, archive, 474)
    incomes = tmp_path / "areas" / "BASE_TD_FILO_DISP_IRIS_2018.csv"
    lines = incomes.read_text().splitlines()
    codes = (tmp_path / "areas" / "households.csv").read_text().splitlines()[1:]
    known, empty = {line.split(";")[0] for line in lines}, ";" * lines[0].count(";")
    # the Ain has few IRIS with an income: the others get lines without figures
    lines += [code[:9] + empty for code in codes if code[:9] not in known]
    incomes.write_text("\n".join(lines))
    run(france, vintage=2023, mirror=areas)
    sample = "StockEtablissement_utf8_geo_sample40_2024.csv.gz"
    (tmp_path / sample).symlink_to(real_files / "france" / sample)
    (tmp_path / "movements.csv").write_text("DATE_EFF,TYPECOM_AV,COM_AV,TYPECOM_AP,COM_AP\n")
    packed = {"path": sample, "container": "gzip", "member": None}
    sources = {
        "fr-sirene-2024": {**packed, "rows": 40, "reads": {"where": {}}},
        "fr-sirene-geolocation-2024": {
            **packed,
            "rows": 35,
            "reads": {
                "where": {"latitude": "4*"},
                "columns": {
                    "quality": {"names": ["geo_type"]},
                    "latitude": {"names": ["latitude"]},
                    "longitude": {"names": ["longitude"]},
                },
            },
        },
        "fr-movements-2024": {"path": "movements.csv", "container": "text"},
    }
    (tmp_path / "mirror.json").write_text(
        json.dumps(
            {"label": "real-samples", "about": "Forty real establishments.", "sources": sources}
        )
    )
    run(sirene, vintage=2024, mirror=str(tmp_path))
    found = dict(other_database.rows("SELECT siret, iris_code FROM sirene.establishments"))
    assert len(found) == 40
    stock = pandas.read_csv(real_files / "france" / sample, dtype=str).dropna(subset=["latitude"])
    points = geopandas.GeoDataFrame(
        stock,
        geometry=geopandas.points_from_xy(
            stock.longitude.astype(float), stock.latitude.astype(float)
        ),
        crs=4326,
    )
    iris = geopandas.read_file(f"zip://{archive}")
    truth = dict(
        points.sjoin(iris, predicate="within")[["siret", "CODE_IRIS"]].itertuples(index=False)
    )
    assert {
        siret: code for siret, code in found.items() if siret in truth and truth[siret] != code
    } == {}
    assert len(truth) == 35
    communes = dict(stock[["siret", "codeCommuneEtablissement"]].itertuples(index=False))
    assert [siret for siret in truth if not found[siret].startswith(communes[siret])] == []
