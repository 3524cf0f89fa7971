"""Belgium from the publisher's file formats to published layers, by the flow of production, on a
real Prefect server and PostGIS.
"""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from synthetic import belgium as synthetic
from synthetic import formats
from synthetic.defects import Defects

from flows.belgium import belgium
from flows.belgium_income import belgium_income
from tasks.core.postgres.database import Database
from tasks.running.site import site


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic Belgium, with faults in its shapes, as a folder."""
    folder = tmp_path_factory.mktemp("synthetic")
    synthetic.write(
        folder,
        municipalities=12,
        sectors=120,
        vintages=(2019, 2024, 2025),
        defects=Defects(overlaps=2, gaps=2, crossings=1),
    )
    return folder


@pytest.fixture(scope="module")
def published(mirror: Path, prefect_server: None, cluster_database: Database) -> Database:
    """The database after the flow has published 2024."""
    run(belgium, vintage=2024, mirror=str(mirror))
    return site().database


def run(flow: Any, **parameters: Any) -> str:
    state: State[Any] = flow(**parameters, return_state=True)
    if not state.is_completed():
        state.result()
    return str(state.message)


def edition(database: Database, dataset: str = "belgium", vintage: int = 2024) -> int:
    return int(
        database.value(
            "SELECT number FROM catalog.current_edition WHERE dataset = %s AND vintage = %s",
            dataset,
            vintage,
        )
    )


def expected(mirror: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((mirror / "mirror.json").read_text())["sources"][name])


def test_the_layers_add_up_from_sectors_to_regions(published: Database, mirror: Path) -> None:
    people = expected(mirror, "be-population-2024")["totals"]["population"]
    for layer in ("municipalities", "arrondissements", "regions"):
        assert published.value(f"SELECT sum(population) FROM belgium.{layer}_2024") == people
    assert (
        published.value("SELECT count(*) FROM belgium.sectors_2024")
        == expected(mirror, "be-sectors-2024")["rows"]
    )
    assert published.value("SELECT count(*) FROM belgium.municipalities_2024") == 12
    located, unlocated = published.rows(
        "SELECT (SELECT sum(population) FROM belgium.sectors_2024), (SELECT"
        " sum(unlocated_population) FROM belgium.municipalities_2024)"
    )[0]
    assert unlocated > 0
    assert located + unlocated == people
    areas = [
        published.value(f"SELECT sum(area_km2) FROM belgium.{layer}_2024")
        for layer in ("sectors", "municipalities", "regions")
    ]
    assert len(set(areas)) == 1


def test_names_codes_and_parents_come_from_the_data(published: Database) -> None:
    strange = (
        "SELECT count(*) FROM belgium.sectors_2024 WHERE left(sector_code, 5) <> municipality_code"
    )
    assert published.value(strange) > 0
    assert (
        published.value("SELECT count(*) FROM belgium.sectors_2024 WHERE sector_code LIKE '%-'") > 0
    )
    brussels = published.rows(
        "SELECT province_code, region_name_nl, region_name_fr, region_name_de FROM"
        " belgium.arrondissements_2024 WHERE region_code = '04000'"
    )
    assert brussels == [
        (
            None,
            "Brussels Hoofdstedelijk Gewest",
            "Région de Bruxelles-Capitale",
            "Region Brüssel-Hauptstadt",
        )
    ]
    columns = [
        name
        for (name,) in published.rows(
            "SELECT name FROM catalog.layer_column WHERE dataset = 'belgium' AND number = %s AND"
            " layer = 'provinces' ORDER BY ordinal",
            edition(published),
        )
    ]
    assert columns[:5] == [
        "province_code",
        "province_name_nl",
        "province_name_fr",
        "province_name_de",
        "region_code",
    ]
    assert "median_income" not in columns


def test_figures_that_statbel_hides_keep_their_reason_and_are_not_taken_for_zero(
    published: Database,
) -> None:
    reasons = dict(
        published.rows(
            "SELECT net_taxable_income_reason, count(*) FROM belgium.sectors_2024 WHERE"
            " net_taxable_income IS NULL GROUP BY 1"
        )
    )
    assert reasons["suppressed"] > 0
    assert None not in reasons
    wrong = (
        "abs(density - population / area_km2) > 0.01 OR abs(mean_income - net_taxable_income /"
        " declarations) > 0.01"
    )
    for layer in ("sectors", "municipalities", "regions"):
        assert published.value(f"SELECT count(*) FROM belgium.{layer}_2024 WHERE {wrong}") == 0


def incomes_by_municipality(mirror: Path, year: int) -> dict[str, tuple[int, Decimal]]:
    """Declarations and net taxable income of each municipality in the file of the mirror."""
    path = mirror / "TF_PSNL_INC_TAX_MUNTY_2023.zip"
    with zipfile.ZipFile(path) as archive:
        text = archive.read(f"{path.stem}.txt").decode("utf-8-sig")
    rows = csv.DictReader(text.splitlines(), delimiter="|", quoting=csv.QUOTE_NONE)
    return {
        row["CD_MUNTY_REFNIS"]: (
            int(row["MS_NBR_NON_ZERO_INC"]),
            Decimal(row["MS_TOT_NET_TAXABLE_INC"]),
        )
        for row in rows
        if row["CD_YEAR"] == str(year)
    }


def of_regions(incomes: dict[str, tuple[int, Decimal]]) -> list[tuple[int, Decimal]]:
    declarations, amounts = zip(*incomes.values(), strict=True)
    return [(sum(declarations), sum(amounts, Decimal()))]


TOTAL = "SELECT sum(declarations)::bigint, sum(net_taxable_income) FROM belgium.{}_{}"


def test_incomes_above_the_sectors_are_those_of_the_municipalities_file(
    published: Database, mirror: Path
) -> None:
    stated = incomes_by_municipality(mirror, 2022)
    found = published.rows(
        "SELECT municipality_code, declarations, net_taxable_income FROM"
        " belgium.municipalities_2024"
    )
    assert {code: figures for code, *figures in found} == {
        code: list(figures) for code, figures in stated.items()
    }
    for layer in ("municipalities", "arrondissements", "regions"):
        assert published.rows(TOTAL.format(layer, 2024)) == of_regions(stated)
    known = published.rows(TOTAL.format("sectors", 2024))[0][1]
    assert known < of_regions(stated)[0][1] * Decimal("0.95")  # a sixth of the sectors is hidden
    said = published.rows(
        "SELECT layer, origin, aggregation FROM catalog.layer_column WHERE dataset = 'belgium' AND"
        " number = %s AND name = 'net_taxable_income' AND layer IN ('sectors', 'municipalities')"
        " ORDER BY 1",
        edition(published),
    )
    assert said == [
        ("municipalities", "be-municipal-income.MS_TOT_NET_TAXABLE_INC", "sum"),
        ("sectors", "be-income.MS_TOT_NET_TAXABLE_INC", "none"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: None if row["CD_MUNTY_REFNIS"] == "21004" else row, "areas without figures"),
        (
            lambda row: {**row, "MS_TOT_NET_TAXABLE_INC": "1000"},
            r"net_taxable_income of sectors within of_municipalities' .* of 1000",
        ),
        (lambda row: {**row, "MS_NBR_NON_ZERO_INC": "*"}, "MS_NBR_NON_ZERO_INC"),
    ],
    ids=["a municipality is not there", "less than its sectors", "hidden after all"],
)
def test_incomes_of_municipalities_that_cannot_be_are_refused(
    published: Database, mirror: Path, tmp_path: Path, change: Any, said: str
) -> None:
    for path in mirror.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "TF_PSNL_INC_TAX_MUNTY_2023.zip"
    with zipfile.ZipFile(path) as archive:
        text = archive.read(f"{path.stem}.txt").decode("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines(), delimiter="|", quoting=csv.QUOTE_NONE))
    kept = [tuple(changed.values()) for row in rows if (changed := change(row))]
    written = formats.delimited(tuple(rows[0]), kept)
    formats.write_zip(path, [(f"{path.stem}.txt", [written])], date(2025, 10, 1))
    stated = json.loads((tmp_path / "mirror.json").read_text())
    del stated["sources"]["be-municipal-income-2024"]["rows"]
    (tmp_path / "mirror.json").write_text(json.dumps(stated))
    with pytest.raises(Exception, match=said):
        run(belgium, vintage=2024, mirror=str(tmp_path))


def test_every_step_check_and_file_is_in_the_catalog(published: Database) -> None:
    number = edition(published)
    verbs = [
        verb
        for (verb,) in published.rows(
            "SELECT verb FROM catalog.step WHERE dataset = 'belgium' AND number = %s ORDER BY"
            " ordinal",
            number,
        )
    ]
    assert sorted(verbs[:4]) == ["load_geometries", *["load_table"] * 3]
    assert verbs[4:] == [
        "check_join",
        "check_join",
        "recode",
        "check_join",
        "clean_topology",
        "join",
        *["aggregate"] * 4,
        "seal",
        "publish",
    ]
    assert published.rows(
        "SELECT count(*) FILTER (WHERE passed), count(*) FROM catalog.check_result WHERE dataset ="
        " 'belgium' AND number = %s",
        number,
    ) == [(20, 20)]
    assert (
        published.value(
            "SELECT count(*) FROM catalog.edition_input WHERE dataset = 'belgium' AND number = %s",
            number,
        )
        == 4
    )
    assert (
        published.value(
            "SELECT report ->> 'features_changed' FROM catalog.topology_report WHERE dataset ="
            " 'belgium' AND number = %s",
            number,
        )
        != "0"
    )
    freshness = published.rows(
        "SELECT source, last_published IS NOT NULL, overdue FROM catalog.freshness WHERE vintage ="
        " 2024 AND source LIKE 'be-%%' ORDER BY 1"
    )
    assert freshness == [
        ("be-income", True, False),
        ("be-municipal-income", True, False),
        ("be-population", True, False),
        ("be-sectors", True, False),
    ]
    assert published.value(
        "SELECT manifest FROM catalog.edition WHERE dataset = 'belgium' AND number = %s", number
    ).startswith("editions/belgium/2024/")


def test_a_second_run_is_a_recorded_no_op_and_a_rebuild_gives_the_same_content(
    published: Database, mirror: Path
) -> None:
    number = edition(published)
    assert f"Nothing new for belgium 2024: edition {number}" in run(
        belgium, vintage=2024, mirror=str(mirror)
    )
    assert (
        published.value(
            "SELECT outcome FROM catalog.run WHERE dataset = 'belgium' ORDER BY started_at DESC"
            " LIMIT 1"
        )
        == "unchanged"
    )
    assert "Published belgium 2024" in run(belgium, vintage=2024, mirror=str(mirror), rebuild=True)
    hashes = published.rows(
        "SELECT layer, count(DISTINCT content_hash) FROM catalog.layer WHERE dataset = 'belgium'"
        " AND number IN (%s, %s) GROUP BY 1",
        number,
        edition(published),
    )
    assert {count for _, count in hashes} == {1}
    assert len(hashes) == 5


@pytest.mark.parametrize("vintage", [2019, 2025])
def test_other_vintages_have_other_formats_and_views_of_their_own(
    published: Database, mirror: Path, vintage: int
) -> None:
    run(belgium, vintage=vintage, mirror=str(mirror))
    assert (
        published.value(f"SELECT sum(population) FROM belgium.regions_{vintage}")
        == expected(mirror, f"be-population-{vintage}")["totals"]["population"]
    )
    newest = published.value(
        "SELECT max(vintage) FROM catalog.current_edition WHERE dataset = 'belgium'"
    )
    assert published.value("SELECT count(*) FROM belgium.sectors") == published.value(
        f"SELECT count(*) FROM belgium.sectors_{newest}"
    )


def test_the_reform_of_2025_shows_in_the_join_report(published: Database, mirror: Path) -> None:
    run(belgium, vintage=2025, mirror=str(mirror))
    report = published.rows(
        "SELECT areas_matched < area_count, figures_matched < figure_count,"
        " cardinality(figures_orphaned) > 0 FROM catalog.join_report WHERE dataset = 'belgium' AND"
        " number = %s AND figures = 'income'",
        edition(published, vintage=2025),
    )
    assert report == [(True, True, True)]
    assert (
        published.value(
            "SELECT count(*) FROM belgium.sectors_2025 WHERE net_taxable_income_reason ="
            " 'sectors drawn anew'"
        )
        > 0
    )
    stated = of_regions(incomes_by_municipality(mirror, 2023))
    for layer in ("municipalities", "regions"):
        assert published.rows(TOTAL.format(layer, 2025)) == stated
    merged = published.rows(
        "SELECT net_taxable_income, income_code_change FROM belgium.municipalities_2025 WHERE"
        " municipality_code = '11002'"
    )
    parts = [incomes_by_municipality(mirror, 2023)[code][1] for code in ("11002", "11007")]
    assert merged == [(sum(parts), "11002 + 11007 merged into 11002 on 2025-01-01")]


def test_the_synthetic_income_series_is_published_as_a_layer_of_its_own(
    published: Database, mirror: Path
) -> None:
    run(belgium_income, mirror=str(mirror))
    assert published.rows(
        "SELECT min(year), max(year), count(DISTINCT municipality_code) FROM"
        " belgium.municipal_income"
    )[0][:2] == (2005, 2013)


# --- the publishers' real files


def real_mirror(folder: Path, sources: dict[str, Any]) -> str:
    (folder / "mirror.json").write_text(
        json.dumps(
            {"label": "real-samples", "about": "Real files, some of them cut.", "sources": sources}
        )
    )
    return str(folder)


@pytest.mark.real
def test_the_real_income_series_joins_all_589_municipalities(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    for name in ("TF_PSNL_INC_TAX_MUNTY.zip", "be_admin_munty_2011_wgs84.gpkg.zip"):
        (tmp_path / name).symlink_to(real_files / "belgium" / name)
    in_degrees = {"crs": 4326, "bounds": [2.5, 49.4, 6.5, 51.6]}
    totals = {"residents": 11_150_516, "net_taxable_income": 189_767_698_458.80}
    sources = {
        "be-sectors-2011": {
            "path": "be_admin_munty_2011_wgs84.gpkg.zip",
            "member": "*.gpkg",
            "rows": 589,
            "reads": in_degrees,
        },
        "be-municipal-income-2011": {
            "path": "TF_PSNL_INC_TAX_MUNTY.zip",
            "rows": 5301,
            "totals": totals,
        },
    }
    mirror = real_mirror(tmp_path, sources)
    published = run(belgium_income, mirror=mirror)
    assert (
        "municipal_income 5301, municipal_income_2025 5085, fiscal_municipalities 589" in published
    )
    carried = (
        "SELECT count(*), sum(residents), sum(net_taxable_income) FROM"
        " belgium.municipal_income_2025 WHERE year = 2013"
    )
    assert other_database.rows(carried) == [(565, 11_150_516, Decimal("189767698458.80"))]
    antwerp = (
        "SELECT municipalities_of_2011, code_change FROM belgium.municipal_income_2025 WHERE"
        " municipality_code = '11002' AND year = 2013"
    )
    assert other_database.rows(antwerp) == [(2, "11002 + 11007 merged into 11002 on 2025-01-01")]
    figures = other_database.rows(
        "SELECT count(*), sum(residents), sum(net_taxable_income) FROM belgium.municipal_income"
        " WHERE year = 2013"
    )
    assert figures == [(589, 11_150_516, Decimal("189767698458.80"))]
    assert (
        other_database.rows(
            "SELECT count(*), sum(residents), sum(net_taxable_income) FROM"
            " belgium.fiscal_municipalities"
        )
        == figures
    )
    assert other_database.rows(
        "SELECT area_count, areas_matched, figure_count, figures_matched FROM catalog.join_report"
    ) == [(589, 589, 589, 589)]
    assert (
        30_600
        < other_database.value("SELECT sum(area_km2) FROM belgium.fiscal_municipalities")
        < 30_720
    )


def brussels(folder: Path, real_files: Path, population: dict[str, Any]) -> str:
    """The 724 real sectors of Brussels 2022 with a list of codes, and a column of residents that is
    empty, in place of the population; of incomes, those of municipalities in 2013 are a sample.
    """
    sectors = "sh_statbel_statistical_sectors_31370_20220101_brussels.gpkg"
    (folder / sectors).symlink_to(real_files / "belgium" / sectors)
    headings, *rows = (real_files / "belgium" / population["path"]).read_bytes().splitlines()
    listed = [headings + b";TOTAL", *(row + b";" for row in rows)]
    (folder / population["path"]).write_bytes(b"\n".join(listed))
    (folder / "TF_PSNL_INC_TAX_MUNTY.zip").symlink_to(
        real_files / "belgium" / "TF_PSNL_INC_TAX_MUNTY.zip"
    )
    (folder / "no_incomes.txt").write_text(
        "CD_YEAR|CD_SECTOR|MS_NBR_NON_ZERO_INC|MS_TOT_NET_TAXABLE_INC|MS_MEDIAN_NET_TAXABLE_INC\r\n"
    )
    return real_mirror(
        folder,
        {
            "be-sectors-2022": {
                "path": sectors,
                "container": "sqlite",
                "member": None,
                "rows": 724,
            },
            "be-population-2022": {"container": "text", "member": None, **population},
            "be-income-2022": {
                "path": "no_incomes.txt",
                "container": "text",
                "member": None,
                "rows": 0,
            },
            "be-municipal-income-2022": {  # no codes of Brussels changed since
                "path": "TF_PSNL_INC_TAX_MUNTY.zip",
                "rows": 19,
                "reads": {"where": {"CD_YEAR": "2013", "CD_MUNTY_REFNIS": "21*"}},
            },
        },
    )


@pytest.mark.real
def test_the_real_sectors_of_brussels_join_the_list_of_2018(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    listed = {
        "path": "statistical_sectors_list_2018_with_unlocated.csv",
        "reads": {
            "delimiter": ";",
            "quote": '"',
            "encoding": "latin-1",
            "where": {"gemeente": "21*"},
            "columns": {
                "sector_code": {"names": ["statsec"]},
                "municipality_code": {"names": ["gemeente"]},
                "population": {"names": ["TOTAL"], "type": "integer"},
            },
        },
    }
    with pytest.raises(
        Exception, match=r"724 of 724 figures matched.* the persons of the figures sum to none"
    ):
        run(belgium, vintage=2022, mirror=brussels(tmp_path, real_files, listed))
    report = other_database.rows(
        "SELECT area_count, areas_matched, figure_count, figures_matched, figures_unlocated FROM"
        " catalog.join_report WHERE figures = 'population'"
    )
    assert report == [(724, 724, 724, 724, 19)]


@pytest.mark.real
def test_the_real_sectors_of_brussels_do_not_join_the_list_of_2025(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    listed = {
        "path": "conversion_secteur_quartier_2025_brussels.csv",
        "reads": {
            "delimiter": ";",
            "quote": '"',
            "encoding": "utf-8",
            "columns": {
                "sector_code": {"names": ["secteurstatistique_code"]},
                "municipality_code": {"names": ["commune_code"]},
                "population": {"names": ["TOTAL"], "type": "integer"},
            },
        },
    }
    with pytest.raises(
        Exception,
        match=(
            r"596 of 724 areas matched, 596 of 749 figures matched; .*; areas without figures:"
            r" 21\d\d\d.*figures without area: 21"
        ),
    ):
        run(belgium, vintage=2022, mirror=brussels(tmp_path, real_files, listed))
    assert other_database.rows("SELECT count(*) FROM pg_views WHERE schemaname = 'belgium'") == [
        (0,)
    ]
    assert other_database.rows("SELECT state FROM catalog.edition") == [("failed",)]
    assert (
        other_database.value(
            "SELECT cardinality(figures_orphaned) FROM catalog.join_report WHERE figures ="
            " 'population'"
        )
        == 153
    )
