"""Austria from the publisher's file formats to published layers, and the real municipalities
carried over their changes of codes.
"""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from deployed import wait
from file_server import serve
from prefect import get_client
from prefect.client.schemas.objects import State
from synthetic import austria as synthetic
from synthetic.defects import Defects
from wfs_server import serve_wfs

from flows.austria import AUSTRIA, austria
from flows.austria_lists import austria_lists
from flows.offices import statistik_austria as office
from tasks.core.postgres.database import Database
from tasks.running.site import site


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic Austria, with faults in its shapes and Vienna twice, as a folder."""
    folder = tmp_path_factory.mktemp("austria")
    synthetic.write(
        folder,
        municipalities=45,
        vintages=(2021, 2025),
        defects=Defects(overlaps=1, gaps=1, crossings=1),
        vienna_twice=True,
    )
    return folder


def run(**parameters: Any) -> State[Any]:
    state: State[Any] = austria(**parameters, return_state=True)
    if not state.is_completed():
        state.result()
    return state


@pytest.fixture(scope="module")
def published(mirror: Path, recording_server: None, cluster_database: Database) -> State[Any]:
    """The run that published 2021; its database is that of the session."""
    return run(vintage=2021, mirror=str(mirror))


def expected(mirror: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((mirror / "mirror.json").read_text())["sources"][name])


def test_the_layers_add_up_from_municipalities_to_states(
    published: State[Any], mirror: Path
) -> None:
    people = expected(mirror, "at-population-2021")["totals"]["population"]
    for layer in ("municipalities", "districts", "states", "population_by_age"):
        assert site().database.value(f"SELECT sum(population) FROM austria.{layer}_2021") == people
    assert site().database.rows(
        "SELECT count(*), count(DISTINCT state_code), sum(male) + sum(female) FROM"
        " austria.states_2021"
    ) == [(9, 9, people)]
    ages = (
        "age_0_to_14 + age_15_to_29 + age_30_to_44 + age_45_to_64 + age_65_to_79 + age_80_and_over"
    )
    assert (
        site().database.value(
            f"SELECT count(*) FROM austria.municipalities_2021 WHERE population <> {ages}"
        )
        == 0
    )
    areas = [
        site().database.value(f"SELECT sum(area_km2) FROM austria.{layer}_2021")
        for layer in ("municipalities", "districts", "states")
    ]
    assert len(set(areas)) == 1


@pytest.mark.parametrize(
    ("by", "layer"), [("district_code", "districts"), ("state_code", "states")]
)
def test_means_are_those_of_the_municipalities_where_they_are_known(
    published: State[Any], by: str, layer: str
) -> None:
    means = (("foreign_share", "employment_residents", 1), ("household_size", "households", 2))
    for mean, weight, scale in means:
        known = f"FILTER (WHERE num_nulls({mean}, {weight}) = 0)"
        wanted = site().database.rows(
            f"SELECT {by}, round(sum({mean} * {weight}) {known} / sum({weight}) {known}, {scale}),"
            f" round(sum({weight}) {known} / sum({weight}), 9) FROM austria.municipalities_2021"
            " GROUP BY 1 ORDER BY 1"
        )
        found = (
            f"SELECT {by}, {mean}, round({mean}_covered, 9) FROM austria.{layer}_2021 ORDER BY 1"
        )
        assert site().database.rows(found) == wanted
    assert site().database.value("SELECT count(foreign_share) FROM austria.states_2021") == 9


def test_vienna_is_there_once_by_its_districts(published: State[Any]) -> None:
    codes = [
        code
        for (code,) in site().database.rows(
            "SELECT municipality_code FROM austria.municipalities_2021 WHERE state_code = '9' ORDER"
            " BY 1"
        )
    ]
    assert codes == list(office.VIENNA.parts)
    assert (
        site().database.value("SELECT count(*) FROM austria.districts_2021 WHERE state_code = '9'")
        == 23
    )


def test_changed_codes_are_carried_or_named(published: State[Any]) -> None:
    merged = site().database.rows(
        "SELECT municipality_name, code_change FROM austria.municipalities_2021 WHERE"
        " municipality_code = '70370'"
    )
    assert merged == [
        (
            "Matrei am Brenner + Mühlbachl + Pfons",
            "70327 + 70330 + 70341 merged into 70370 on 2022-01-01",
        )
    ]
    changes = site().database.rows(
        "SELECT table_name, verdict, before FROM catalog.code_change WHERE dataset = 'austria' AND"
        " number = (SELECT number FROM catalog.current_edition WHERE dataset = 'austria' AND"
        " vintage = 2021) ORDER BY 1, 2, 3"
    )
    assert changes == [
        ("employment", "carried", ["62252", "62267"]),
        ("employment", "carried", ["70327", "70330", "70341"]),
        ("employment", "named", ["61056", "61058", "62347"]),
        ("shapes", "carried", ["62252", "62267"]),
        ("shapes", "carried", ["70327", "70330", "70341"]),
    ]
    reason = (
        "SELECT municipality_code, employment_residents_reason FROM austria.municipalities_2021"
        " WHERE employment_residents IS NULL ORDER BY 1"
    )
    assert site().database.rows(reason) == [
        (code, "no figures under this code") for code in ("61060", "61061")
    ]
    assert (
        site().database.value(
            "SELECT employment_residents_missing FROM austria.states_2021 WHERE state_code = '6'"
        )
        == 2
    )


def test_codes_are_resolved_and_the_lists_kept_in_the_catalog(published: State[Any]) -> None:
    names = site().database.rows(
        "SELECT DISTINCT sex_code, sex_name_de, sex_name_en FROM austria.population_by_age_2021"
        " ORDER BY 1"
    )
    assert names == [("C11-1", "männlich", "male"), ("C11-2", "weiblich", "female")]
    assert site().database.rows(
        "SELECT min(age), max(age) FROM austria.population_by_age_2021"
    ) == [(0, 100)]
    kept = (
        "SELECT code, label, label_en, parent FROM catalog.code_label WHERE dataset = 'austria' AND"
        " code_list = %s AND code = %s"
    )
    assert site().database.rows(kept, "headings", "F-ISIS-1")[0][:3] == (
        "F-ISIS-1",
        "Fallzahl",
        "Number",
    )
    assert site().database.rows(kept, "municipality_codes", "10101")[0][3].endswith("101")


def test_the_licence_that_the_portal_states_is_held_to_the_declared_one(
    published: State[Any],
) -> None:
    title = "licence in at-population-metadata"
    stated = site().database.rows(
        "SELECT passed, found FROM catalog.check_result WHERE dataset = 'austria' AND title = %s",
        title,
    )
    assert stated[0][0]
    assert "Creative Commons Namensnennung 4.0 International" in stated[0][1]
    assert "last modified 2" in stated[0][1]


def test_another_licence_stops_the_run(
    mirror: Path, tmp_path: Path, prefect_server: None, other_database: Database
) -> None:
    changed = tmp_path / "mirror"
    changed.mkdir()
    for path in mirror.iterdir():
        (changed / path.name).symlink_to(path)
    (changed / "2025").unlink()
    (changed / "2025").mkdir()
    for path in (mirror / "2025").iterdir():
        (changed / "2025" / path.name).symlink_to(path)
    terms = changed / "2025" / "OGDEXT_AEST_GEMTAB_1.json"
    text = terms.read_text()
    terms.unlink()
    terms.write_text(text.replace("Namensnennung 4.0", "Namensnennung-NichtKommerziell 4.0"))
    with pytest.raises(Exception, match=r"licence in at-employment-metadata.*NichtKommerziell"):
        run(vintage=2025, mirror=str(changed))
    assert other_database.rows("SELECT count(*) FROM pg_views WHERE schemaname = 'austria'") == [
        (0,)
    ]


def test_a_second_run_is_a_no_op_and_a_rebuild_gives_the_same_content(
    published: State[Any], mirror: Path
) -> None:
    assert "Nothing new for austria 2021" in str(run(vintage=2021, mirror=str(mirror)).message)
    run(vintage=2021, mirror=str(mirror), rebuild=True)
    hashes = site().database.rows(
        "SELECT layer, count(DISTINCT content_hash) FROM catalog.layer JOIN catalog.edition USING"
        " (dataset, number) WHERE dataset = 'austria' AND vintage = 2021 AND state = 'published'"
        " GROUP BY 1"
    )
    assert {count for _, count in hashes} == {1}
    assert len(hashes) == 4


def drawn(graph: dict[str, Any]) -> dict[str, Any]:
    """The nodes of a graph by their ids, none before the last of the run has ended."""
    nodes = {identity: node for identity, node in graph["nodes"]}
    is_whole = any(node["label"] == "catalog austria 2021" for node in nodes.values())
    return nodes if is_whole and all(node["end_time"] for node in nodes.values()) else {}


def test_the_graph_shows_two_branches_that_meet_in_the_join(published: State[Any]) -> None:
    path = f"/flow_runs/{published.state_details.flow_run_id}/graph-v2"
    with get_client(sync_client=True) as client:
        nodes = wait(lambda: drawn(client.request("GET", path).json()), "the whole graph")
    above = {
        node["label"]: {nodes[parent["id"]]["label"] for parent in node["parents"]}
        for node in nodes.values()
    }
    branches = {
        "load geometries shapes",
        "load geometries district_shapes",
        "load table population",
        "load table employment",
    }
    assert branches <= above["join austria.sql"]
    assert above["clean topology municipalities"] == {"join austria.sql"}
    assert above["load geometries shapes"] == {"unpack at-municipalities"}
    assert above["load table population"] == {"unpack at-population"}
    assert above["archive at-municipalities 2021"] == {"download at-municipalities 2021"}
    spans = {node["label"]: (node["start_time"], node["end_time"]) for node in nodes.values()}
    geometries, figures = spans["load geometries shapes"], spans["load table population"]
    assert max(geometries[0], figures[0]) < min(geometries[1], figures[1]), (
        "the two branches run at the same time"
    )


def test_the_borders_come_from_the_web_service_each_layer_at_once(
    mirror: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prefect_server: None,
    other_database: Database,
) -> None:
    layers = {
        f"GEODATA:STATISTIK_AUSTRIA_{layer}_20250101": (
            mirror / "2025" / f"STATISTIK_AUSTRIA_{layer}_20250101.json"
        )
        for layer in ("GEM", "POLBEZ")
    }
    asked: list[Any] = []
    shutil.copytree(mirror / "2025", tmp_path / "portal" / "data")
    with (
        serve_wfs(layers, asked=asked, keyless=True) as service,
        serve(tmp_path / "portal") as portal,
    ):
        monkeypatch.setattr(office, "HOSTS", (service.rstrip("/"),))
        monkeypatch.setattr(office, "PORTAL", portal.rstrip("/"))
        monkeypatch.setattr(office, "PAGE", 20)
        monkeypatch.setattr(office, "METADATA", "{}/data/{}.json")
        uncounted = replace(office.RELEASES[2025], municipalities=None)
        monkeypatch.setitem(office.RELEASES, 2025, uncounted)
        monkeypatch.setattr(office, "NEWEST", 2025)
        monkeypatch.setattr(office, "AREA", {})
        monkeypatch.setattr(office, "DISTRICT_COUNTS", None)
        monkeypatch.setitem(office.EMPLOYED, 2023, 68)  # 62252 and 62267 were two then
        run(vintage=2025)
    assert len(asked) == 2
    assert not any("startIndex" in path for path in asked)
    assert other_database.value("SELECT count(*) FROM austria.municipalities") == 67
    assert other_database.value("SELECT mirror FROM catalog.edition") == ""


def test_postal_codes_and_types_are_lists_of_their_own(
    prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    made = synthetic.write(tmp_path, municipalities=40, vintages=(2023,))
    state: State[Any] = austria_lists(mirror=str(tmp_path), return_state=True)
    assert (
        f"postal_codes {made['at-postal-codes-2023']['rows']}, municipality_types"
        f" {made['at-typology-2023']['rows']}" in str(state.message)
    )


def test_a_newest_year_of_employment_that_is_there_in_part_is_refused(
    published: State[Any], mirror: Path, tmp_path: Path
) -> None:
    shutil.copytree(mirror, tmp_path, dirs_exist_ok=True)
    path = tmp_path / expected(mirror, "at-employment-2021")["path"]
    lines = path.read_bytes().splitlines(keepends=True)
    of_2019 = [line for line in lines if line.startswith(b"2019;")]
    path.write_bytes(b"".join(line for line in lines if line not in of_2019[5:9]))
    rows = expected(mirror, "at-employment-2021")["rows"]
    said = f"rows of employment.*expected {rows}, found {rows - 4}"
    with pytest.raises(Exception, match=said):
        run(vintage=2021, mirror=str(tmp_path))


# --- the publisher's real files


def real_mirror(folder: Path, files: Path) -> str:
    """The real borders of 2021, residents of 2023 and employment of 2015; the lists of codes are
    not among the samples and made from them.
    """
    for name in (
        "STATISTIK_AUSTRIA_GEM_20210101_simplified995.geojson",
        "STATISTIK_AUSTRIA_POLBEZ_20210101_simplified995.geojson",
        "gemeinden_population_20230101.csv",
        "OGDEXT_AEST_GEMTAB_1.csv",
        "OGDEXT_GEM_1_metadata.json",
    ):
        (folder / name).symlink_to(files / "austria" / name)
    with (files / "austria" / "gemeinden_population_20230101.csv").open(encoding="utf-8") as file:
        codes = [
            (row["municipality_code"], row["municipality_name"])
            for row in csv.DictReader(file)
            if row["municipality_code"]
        ]
    heading = "code;name;;en_name;de_desc;de_link;en_desc;en_link;de_syn;en_syn\n"
    lines = (f"GRGEMAKT-{code};{name};GRBEZAKT-{code[:3]};{name};;;;;;\n" for code, name in codes)
    (folder / "municipalities.csv").write_text(heading + "".join(lines))
    (folder / "none.csv").write_text(heading)
    (folder / "headings.csv").write_text(
        "code;name;en_name\nmunicipality_code;Gemeinde;Commune\npopulation_2023;Fallzahl;Number\n"
    )
    degrees = {"crs": 4326, "bounds": [9.4, 46.3, 17.2, 49.1]}
    columns = {
        "municipality_code": {"names": ["municipality_code"], "prefix": ""},
        "population": {"names": ["population_2023"]},
        "sex_code": {"names": ["none"], "optional": True},
        "age_code": {"names": ["none"], "optional": True},
    }
    terms = {"path": "OGDEXT_GEM_1_metadata.json"}
    sources = {
        "at-municipalities-2023": {
            "path": "STATISTIK_AUSTRIA_GEM_20210101_simplified995.geojson",
            "rows": 2118,
            "codes_of": "2021-01-01",
            "reads": {**degrees, "columns": {"municipality_code": {"names": ["iso"]}}},
            "totals": {"area_km2": {"expected": 83856.2, "tolerance": 0.00001}},
        },
        "at-districts-2023": {
            "path": "STATISTIK_AUSTRIA_POLBEZ_20210101_simplified995.geojson",
            "reads": {**degrees, "columns": {"district_code": {"names": ["iso"]}}},
        },
        "at-population-2023": {
            "path": "gemeinden_population_20230101.csv",
            "codes_of": "2023-01-01",
            "totals": {"population": 9_104_772},
            "reads": {
                "delimiter": ",",
                "where": {"municipality_code": "[1-9]*"},
                "key": ["municipality_code"],
                "columns": columns,
            },
        },
        "at-population-header-2023": {"path": "headings.csv"},
        "at-population-municipalities-2023": {"path": "municipalities.csv"},
        "at-population-sexes-2023": {"path": "none.csv"},
        "at-population-ages-2023": {"path": "none.csv"},
        "at-employment-2023": {
            "path": "OGDEXT_AEST_GEMTAB_1.csv",
            "rows": 2122,
            "codes_of": "2015-01-01",
            "reads": {"where": {"JAHR": "2015"}},
        },
        "at-municipalities-metadata-2023": terms,
        "at-population-metadata-2023": terms,
        "at-employment-metadata-2023": terms,
    }
    (folder / "mirror.json").write_text(
        json.dumps(
            {"label": "real-samples", "about": "Real files, some of them cut.", "sources": sources}
        )
    )
    return str(folder)


@pytest.mark.real
def test_the_real_municipalities_of_2021_meet_the_residents_of_2023_and_the_employment_of_2015(
    real_files: Path,
    prefect_server: None,
    tmp_path: Path,
    other_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bearing = replace(AUSTRIA, may_be_empty=("population_by_age",))
    monkeypatch.setattr("flows.austria.AUSTRIA", bearing)
    assert "municipalities 2115" in str(
        run(vintage=2023, mirror=real_mirror(tmp_path, real_files)).message
    )
    joins = dict(
        (figures, counts)
        for figures, *counts in other_database.rows(
            "SELECT figures, area_count, areas_matched, figure_count, figures_matched,"
            " figures_orphaned FROM catalog.join_report"
        )
    )
    assert joins["population"] == [2115, 2115, 2115, 2115, []]
    assert joins["employment"] == [2115, 2113, 2116, 2113, []]
    assert joins["municipalities"] == [116, 116, 116, 116, []]
    counted = (
        "SELECT table_name, verdict, count(*), sum(cardinality(before)) FROM catalog.code_change"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    changes = other_database.rows(counted)
    assert changes == [
        ("employment", "carried", 26, 32),
        ("employment", "named", 1, 3),
        ("shapes", "carried", 1, 3),
    ]
    totals = other_database.rows(
        "SELECT sum(population), sum(employment_residents), sum(area_km2) FROM austria.states"
    )[0]
    without = 4_060 + 4_912 + 1_653
    assert totals[:2] == (9_104_772, 8_670_690 - without)
    assert abs(totals[2] - Decimal("83856.2")) < 1
    assert (
        other_database.value("SELECT population FROM austria.states WHERE state_name = 'Wien'")
        > 1_900_000
    )
    figures = "employment_residents, workplaces > 0, employment_code_change"
    klosterneuburg = (
        f"SELECT {figures} FROM austria.municipalities WHERE municipality_code = '32144'"
    )
    assert other_database.rows(klosterneuburg) == [
        (26_822, True, "32408 recoded into 32144 on 2017-01-01")
    ]


@pytest.mark.real
def test_the_real_lists_of_postal_codes_and_types(
    real_files: Path,
    prefect_server: None,
    tmp_path: Path,
    other_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox = {
        "at-typology": "gemeinden_typology.csv",
        "at-urbanisation": "gemeinden_urbanisation.csv",
        "at-postal-codes": "plz_gemeinde_nuts3.csv",
    }
    for slug, name in inbox.items():
        (tmp_path / f"{slug}-2023.text").symlink_to(real_files / "austria" / name)
    monkeypatch.setenv("GEODATA_INBOX", str(tmp_path))
    state: State[Any] = austria_lists(return_state=True)
    assert "postal_codes 3375, municipality_types 2115" in str(state.message)
    counted = (
        "SELECT urbanisation_code, count(*), min(urbanisation_name) IS NOT NULL FROM"
        " austria.municipality_types GROUP BY 1 ORDER BY 1"
    )
    kinds = other_database.rows(counted)
    assert kinds == [("1", 28, True), ("2", 380, True), ("3", 1707, True)]
    assert (
        other_database.value(
            "SELECT count(*) FROM austria.municipality_types WHERE typology_name_de IS NULL"
        )
        == 0
    )
    assert other_database.value("SELECT mirror FROM catalog.edition") == ""
