"""The simulated publishers have what the flows ask for, from its day on, at its address; they list
what is out and nothing else; and their countries stay the same from year to year.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml
from lxml import etree, html
from prefect.server.schemas.schedules import CronSchedule
from pyarrow import parquet
from rdflib import Graph, Namespace
from simulation import END, EVENTS, START, Publisher, Release, World, listings, runs
from simulation import austria as simulated_austria
from simulation import belgium as simulated_belgium
from simulation.schedules import DEPLOYMENTS

from flows.offices import (
    census_bureau,
    ign,
    insee,
    sirene,
    statbel,
    statbel_2011,
    statistik_austria,
    statistik_austria_lists,
)
from flows.offices.insee_lists import postal_codes
from flows.offices.insee_memberships import memberships
from flows.offices.insee_movements import movements
from tasks.core.upstream.listings import offers
from tasks.nouns import Source


def of_belgium(year: int) -> list[Source]:
    return [
        statbel.sectors(year),
        statbel.population(year),
        statbel.income(year),
        statbel.municipal_income(year),
    ]


def of_austria(year: int) -> list[Source]:
    return [
        statistik_austria.municipalities(year),
        statistik_austria.districts(year),
        *statistik_austria.residents(year).values(),
        statistik_austria.employment(year),
        *statistik_austria.terms(year).values(),
    ]


def of_france(year: int) -> list[Source]:
    return [
        *ign.iris(year).values(),
        *insee.figures(year).values(),
        movements(year),
        postal_codes(year),
        memberships(year),
    ]


def of_sirene(year: int) -> list[Source]:
    return [sirene.stock(year), sirene.geolocation(year), movements(year)]


def of_the_united_states(year: int) -> list[Source]:
    return [
        census_bureau.states(year),
        census_bureau.counties(year),
        *census_bureau.tracts(year).values(),
        *census_bureau.block_groups(year).values(),
        *census_bureau.surveys(year).values(),
    ]


def of_estimates(year: int) -> list[Source]:
    return [census_bureau.counties(year), census_bureau.county_estimates(year)]


def of_incomes(year: int) -> list[Source]:
    return [census_bureau.counties(year), census_bureau.subject_table(year)]


FLOWS = {  # what each asks for, its newest declared year, and the newest of the simulation
    "belgium": (of_belgium, 2025, 2029),
    "austria": (of_austria, 2026, 2029),
    "france": (of_france, 2026, 2029),
    "sirene": (of_sirene, 2026, 2029),
    "united_states": (of_the_united_states, 2024, 2028),
    "united_states_estimates": (of_estimates, 2025, 2028),
    "united_states_income": (of_incomes, 2024, 2028),
}
NEWEST = {  # what the flows ask for in late November 2026
    **{dataset: of(year) for dataset, (of, year, _) in FLOWS.items()},
    "france 2025": of_france(2025),
    "belgium_income": [statbel_2011.sectors(), statbel_2011.municipal_income()],
    "austria_lists": [
        statistik_austria_lists.typology(2023),
        statistik_austria_lists.urbanisation(2023),
        statistik_austria_lists.postal_codes(2023),
    ],
}
DCAT = Namespace("http://www.w3.org/ns/dcat#")
ATOM = "{http://www.w3.org/2005/Atom}"
CATALOGUE = "https://doc.statbel.be/publications/DCAT/DCAT_opendata_datasets.ttl"
RESOURCE = "https://data.geopf.fr/telechargement/resource/CONTOURS-IRIS"
LISTED_ONLY = {  # sources whose addresses no pattern knows, and of which years
    "belgium": {"be-population": (2027, 2028, 2029), "be-sectors": ()},
    "austria": {"at-population": ()},
    "france": {"fr-population": (2027, 2028, 2029), "fr-movements": (2027, 2028, 2029)},
}
DAYS = (START, date(2027, 10, 25), END)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def publisher(world: World) -> Iterator[Publisher]:
    with Publisher(world) as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60) as made:
        yield made


def status(client: httpx.Client, publisher: Publisher, address: str) -> int:
    return client.head(publisher.here(address)).status_code


def text(client: httpx.Client, publisher: Publisher, address: str) -> str:
    answer = client.get(publisher.here(address))
    assert answer.status_code == 200, address
    return answer.text


@pytest.mark.parametrize("dataset", NEWEST)
def test_what_the_flows_ask_for_is_there_when_the_simulation_begins(
    dataset: str, world: World, publisher: Publisher, client: httpx.Client, tmp_path: Path
) -> None:
    laid = {path.name for path in world.lay(tmp_path / "inbox", START)}
    for source in NEWEST[dataset]:
        assert source.urls or source.inbox_name in laid
        for url in source.urls:
            assert status(client, publisher, url) == 200, url


@pytest.mark.parametrize("dataset", FLOWS)
def test_what_the_flows_ask_for_later_is_found_by_pattern_or_in_a_listing(
    dataset: str, world: World, publisher: Publisher, client: httpx.Client, tmp_path: Path
) -> None:
    of, declared, last = FLOWS[dataset]
    publisher.today = END
    laid = {path.name for path in world.lay(tmp_path / "inbox", END)}
    offers.forget()
    listed_only = set()
    for source in [source for year in range(declared + 1, last + 1) for source in of(year)]:
        if source.inbox_name in laid:
            continue
        answers = {url: status(client, publisher, url) for url in source.urls}
        if 200 not in answers.values():
            found = offers.offered(source, at=publisher.here)
            listed_only.add((source.slug, source.vintage, bool(found)))
    assert {slug for slug, _, found in listed_only if not found} <= {"fr-income"}  # none are out
    for slug, years in LISTED_ONLY.get(dataset, {}).items():
        assert {year for each, year, _ in listed_only if each == slug} == set(years)


def test_the_mirror_stands_in_for_every_host_that_is_asked(
    publisher: Publisher, client: httpx.Client
) -> None:
    mirror = client.get(f"{publisher.url}mirror.json").json()
    sources: list[Source] = [source for sources in NEWEST.values() for source in sources]
    hosts = {f"https://{urlsplit(url).netloc}" for source in sources for url in source.urls}
    assert hosts | {"https://doc.statbel.be"} == set(mirror["hosts"])
    assert all(host == f"https://{folder}" for host, folder in mirror["hosts"].items())
    assert mirror["label"] == "simulated-publishers"
    assert mirror["about"].startswith("Synthetic")


def one_of_each(world: World) -> list[Release]:
    """The first release of each year of each subject after the beginning."""
    found = {(each.group, each.vintage, each.day): each for each in reversed(world.releases)}
    return [each for each in found.values() if each.day > START]


def test_a_file_is_there_from_its_day_on(
    world: World, publisher: Publisher, client: httpx.Client
) -> None:
    releases = one_of_each(world)
    assert len(releases) > 130
    for release in releases:
        publisher.today = release.day - timedelta(days=1)
        first = min(each.day for each in world.releases if each.key == release.key)
        before = client.head(publisher.here(release.address))
        missing = 400 if "/ows" in release.address else 404
        assert before.status_code == (missing if first == release.day else 200), release
        publisher.today = release.day
        after = client.head(publisher.here(release.address))
        assert after.status_code == 200, release
        assert parsedate_to_datetime(after.headers["Last-Modified"]).date() == release.day
        assert parsedate_to_datetime(after.headers["Date"]).date() == release.day
        assert after.headers["ETag"] != before.headers.get("ETag")


def test_validators_and_ranges_hold(publisher: Publisher, client: httpx.Client) -> None:
    url = publisher.here(statbel.income(2025).urls[0])
    first = client.get(url)
    known = {"If-None-Match": first.headers["ETag"]}
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    for headers in (known, since):
        assert client.get(url, headers=headers).status_code == 304
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, first.content[10:20])
    publisher.today = date(2027, 10, 15)  # the next year's, at the same address
    changed = client.get(url, headers=known)
    assert changed.status_code == 200
    assert changed.content != first.content
    assert [each.status for each in publisher.asked] == [200, 304, 304, 206, 200]


def test_a_layer_that_is_not_out_is_refused_as_the_service_does(
    world: World, client: httpx.Client
) -> None:
    asked = statistik_austria.municipalities(2026).urls[0]
    with Publisher(world, unknown_layer=404) as strict:
        assert status(client, strict, asked.replace("2026", "2031")) == 404
        assert status(client, strict, asked) == 200
    with Publisher(world) as publisher:
        answer = client.get(publisher.here(asked.replace("2026", "2031")))
        assert answer.status_code == 400
        assert "Feature type unknown" in answer.text
        assert status(client, publisher, f"{asked}&startIndex=0") == 400


def in_catalogue(client: httpx.Client, publisher: Publisher) -> list[str]:
    graph = Graph().parse(data=text(client, publisher, CATALOGUE), format="turtle")
    for distribution in graph.subjects(DCAT.downloadURL):
        assert int(str(graph.value(distribution, DCAT.byteSize))) > 100
    return [str(url) for url in graph.objects(None, DCAT.downloadURL)]


def in_feed(client: httpx.Client, publisher: Publisher) -> list[str]:
    """All archives of all pages, and the file of each."""
    found, number, count = [], 1, 1
    while number <= count:
        feed = etree.fromstring(text(client, publisher, f"{RESOURCE}?page={number}").encode())
        count = next(int(value) for name, value in feed.items() if name.endswith("pagecount"))
        for link in feed.iterfind(f"{ATOM}entry/{ATOM}link"):
            archive = etree.fromstring(text(client, publisher, link.get("href") or "").encode())
            found += [
                file.get("href") or "" for file in archive.iterfind(f"{ATOM}entry/{ATOM}link")
            ]
        number += 1
    return found


def in_folder(client: httpx.Client, publisher: Publisher, address: str) -> list[str]:
    """All files in a folder and in those under it."""
    found = []
    for link in html.fromstring(text(client, publisher, address)).iterfind(".//a"):
        at = urljoin(address, link.get("href") or "")
        if at.endswith("/"):
            found += in_folder(client, publisher, at)
        elif "?" not in at:
            found.append(at)
    return found


def on_page(client: httpx.Client, publisher: Publisher, address: str) -> list[str]:
    """The files that a page links to, and those of the pages that it leads to."""
    found = []
    for link in html.fromstring(text(client, publisher, address)).iterfind(".//a"):
        at = urljoin(address, link.get("href") or "")
        if "." in at.rpartition("/")[2]:
            found.append(at)
        elif not (link.text or "").startswith("Version plus récente"):
            found += on_page(client, publisher, at)
    return found


def in_portal(client: httpx.Client, publisher: Publisher, dataset: str) -> list[str]:
    at = f"https://data.statistik.gv.at/ogd/json?dataset={dataset}"
    return [each["url"] for each in json.loads(text(client, publisher, at))["resources"]]


def in_api(client: httpx.Client, publisher: Publisher, dataset: str) -> list[str]:
    at = f"https://www.data.gouv.fr/api/1/datasets/{dataset}/"
    return [each["url"] for each in json.loads(text(client, publisher, at))["resources"]]


def listed(client: httpx.Client, publisher: Publisher, year: int) -> dict[str, list[str]]:
    """What each publisher lists, by the beginnings of the groups that it should list."""
    stock, positions, _ = listings.DATASETS
    pages = [
        "https://www.insee.fr/fr/statistiques/2383389",
        "https://www.insee.fr/fr/information/2560452",
        "https://www.insee.fr/fr/information/7671844",
    ]
    return {
        "statbel/": in_catalogue(client, publisher),
        "ign": in_feed(client, publisher),
        "census": in_folder(client, publisher, "https://www2.census.gov/"),
        "insee/": [url for page in pages for url in on_page(client, publisher, page)],
        "data.gouv.fr": [
            *in_api(client, publisher, stock),
            *in_api(client, publisher, positions),
        ],
        "austria/GEM": in_portal(client, publisher, "OGDEXT_GEM_1"),
        "austria/POLBEZ": in_portal(client, publisher, "OGDEXT_POLBEZ_1"),
        "austria/employment": in_portal(client, publisher, "OGDEXT_AEST_GEMTAB_1"),
        "austria/population": [
            url
            for each in range(2024, year + 1)
            for url in in_portal(client, publisher, f"OGD_bevstandjbab2002_BevStand_{each}")
        ],
    }


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_listings_have_exactly_what_is_out(
    day: date, world: World, publisher: Publisher, client: httpx.Client
) -> None:
    publisher.today = day
    for group, addresses in listed(client, publisher, day.year).items():
        out = [each for each in world.out(day).values() if each.group.startswith(group)]
        if group.startswith("austria/") and "/ows" in out[0].address:
            # listed with the second host, packed
            out = [each for each in out if "SHAPE-ZIP" in each.address and ".gv." in each.address]
        gone = {each.address for each in out if each.address.endswith("tcm325-272513.zip")}
        assert sorted(set(addresses)) == sorted({each.address for each in out} - gone)
        some = addresses[:: len(addresses) // 9 or 1]
        assert {status(client, publisher, url) for url in some} == {200}
        assert all(publisher.find(url.removeprefix("https:/")) for url in addresses)


def test_listings_change_only_when_something_comes(
    publisher: Publisher, client: httpx.Client
) -> None:
    first = client.get(publisher.here(CATALOGUE))
    known = {"If-None-Match": first.headers["ETag"]}
    publisher.today = date(2026, 12, 6)
    assert client.get(publisher.here(CATALOGUE), headers=known).status_code == 304
    publisher.today = date(2026, 12, 7)  # residents of 2026
    changed = client.get(publisher.here(CATALOGUE), headers=known)
    assert changed.status_code == 200
    assert "OPENDATA_SECTOREN_2026.zip" in changed.text
    assert changed.headers["Last-Modified"].startswith("Mon, 07 Dec 2026")


def test_the_page_of_a_census_leads_to_the_newer_one(
    publisher: Publisher, client: httpx.Client
) -> None:
    page, newer = "https://www.insee.fr/fr/statistiques/8647014", "/fr/statistiques/9233018"
    assert newer not in text(client, publisher, page)
    publisher.today = date(2027, 10, 19)
    assert newer in text(client, publisher, page)
    assert "base-ic-evol-struct-pop-2023_csv.zip" in text(client, publisher, urljoin(page, newer))


def rows(world: World, day: date, ending: str, delimiter: str = "|") -> list[dict[str, str]]:
    """The rows of the text at the address that ends so."""
    release = next(each for each in world.out(day).values() if each.address.endswith(ending))
    content = world.path(release).read_bytes()
    if ending.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            name = next(each for each in archive.namelist() if not each.startswith("meta_"))
            content = archive.read(name)
    encoding = "latin-1" if "co-est" in ending else "utf-8-sig"
    return list(csv.DictReader(io.StringIO(content.decode(encoding)), delimiter=delimiter))


def total(found: Sequence[dict[str, str]], column: str) -> float:
    return sum(float(row[column]) for row in found)


def test_people_become_a_little_more_each_year(world: World) -> None:
    census = "base-ic-evol-struct-pop-{}_csv.zip"
    years = {
        "at": [
            total(rows(world, END, f"BevStand_{year}.csv", ";"), "F-ISIS-1")
            for year in range(2025, 2030)
        ],
        "fr": [
            total(rows(world, END, census.format(year), ";"), f"P{year % 100}_POP")
            for year in range(2022, 2026)
        ],
        "us": [
            total(rows(world, END, f"co-est{year}-alldata.csv", ","), f"POPESTIMATE{year}")
            for year in range(2024, 2029)
        ],
        "be": [
            total(rows(world, END, f"SECTOREN_{year}{end}.zip"), "TOTAL")
            for year, end in ((2025, "_NEW"), (2026, ""), (2027, "_0"), (2028, "_0"), (2029, "_0"))
        ],
    }
    for country, people in years.items():
        growth = [now / before - 1 for before, now in pairwise(people)]
        assert all(0.003 - 1e-4 < each < 0.01 for each in growth), (country, growth)


def test_areas_stay_but_for_those_that_merge_or_are_divided(world: World) -> None:
    made = world.belgium.made
    codes = [{s.areas_at(year).municipality for s in made.at(year)} for year in range(2025, 2030)]
    assert codes[0] == codes[1] == codes[2] == codes[3]
    assert (codes[3] - codes[4], codes[4] - codes[3]) == ({"38014", "38016"}, {"38026"})
    assert {s.code_at(2025) for s in made.at(2025)} == {s.code_at(2029) for s in made.at(2029)}
    towns = [{each.code for each in world.austria.made.at(year)} for year in range(2025, 2030)]
    assert towns[0] == towns[1] == towns[2]
    assert towns[3] == towns[4]
    assert (towns[2] - towns[3], towns[3] - towns[2]) == ({"62280"}, {"62281", "62282"})
    irises = [[each.code for each in world.france.made.at(year)] for year in range(2025, 2030)]
    assert all(each == irises[0] for each in irises)


def test_an_error_and_a_heading_are_put_right(world: World) -> None:
    name, wrong = "BevStand_2027.csv", simulated_austria.PUT_RIGHT - timedelta(days=1)
    before, after = (rows(world, day, name, ";") for day in (wrong, simulated_austria.PUT_RIGHT))
    for state, share in (("6", 1.0), ("7", 0.5)):
        people = [
            total(
                [r for r in found if r["C-GRGEMAKT-0"].startswith(f"GRGEMAKT-{state}")], "F-ISIS-1"
            )
            for found in (before, after)
        ]
        assert people[0] / people[1] == pytest.approx(share, rel=0.02)
    name, right = "SECTOREN_2028_0.zip", simulated_belgium.PUT_RIGHT
    odd, usual = rows(world, right - timedelta(days=1), name), rows(world, right, name)
    assert "TOTAL" not in odd[0]
    assert total(odd, "MS_TOTAL_POP") == total(usual, "TOTAL")


def test_a_series_at_one_address_gets_a_year_more_each_year(world: World) -> None:
    for ending in ("TF_PSNL_INC_TAX_SECTOR.zip", "TF_PSNL_INC_TAX_MUNTY.zip"):
        found = [rows(world, day, ending) for day in (START, date(2027, 10, 15))]
        newest = [max(row["CD_YEAR"] for row in series) for series in found]
        assert newest == ["2024", "2025"]
    found = [rows(world, day, "GEMTAB_1.csv", ";") for day in (START, date(2026, 12, 5))]
    assert [max(row["JAHR"] for row in series) for series in found] == ["2023", "2024"]


def test_the_register_grows_each_month_and_says_its_month(world: World) -> None:
    stocks = []
    for month in (date(2026, 12, 1), date(2027, 1, 1), date(2029, 12, 1)):
        release = next(e for e in world.out(month).values() if e.address.endswith(sirene_stock()))
        table = parquet.read_table(world.path(release))
        newest = max(filter(None, table["dateDernierTraitementEtablissement"].to_pylist()))
        assert newest.date() == month - timedelta(days=1)
        stocks.append(set(table["siret"].to_pylist()))
    assert stocks[0] < stocks[1] < stocks[2]
    assert 1.0 < len(stocks[1]) / len(stocks[0]) < 1.02


def sirene_stock() -> str:
    return sirene.stock(2026).urls[0].rpartition("/")[2]


def test_the_same_seed_gives_the_same_files(world: World, tmp_path: Path) -> None:
    again = World(tmp_path / "again")
    for ending in ("20270101.geojson.zip", "BevStand_2028.csv", "v_mvt_commune_2029.csv"):
        first, second = (
            next(each for each in made.releases if each.address.endswith(ending))
            for made in (world, again)
        )
        assert world.path(first).read_bytes() == again.path(second).read_bytes()


def test_events_are_of_days_on_which_something_comes(world: World) -> None:
    days = {release.day for release in world.releases}
    assert [each.day for each in EVENTS] == sorted(each.day for each in EVENTS)
    assert {each.verdict for each in EVENTS} == {*("awaited", "published", "review", "refused")}
    for event in EVENTS:
        assert START <= event.day <= END
        came = event.found not in ("inbox", "nothing") and event.day != START
        assert event.day in days or not came, event


def test_flows_run_on_the_days_of_their_schedules() -> None:
    found = list(runs(START, date(2026, 12, 31)))
    belgian = [run.day.day for run in found if run.deployment == "belgium"]
    assert belgian == [2, 12, 22]
    assert found == sorted(found)
    assert all(re.fullmatch(r"flows\.\w+\.\w+", run.entrypoint) for run in found)
    assert len({run.deployment for run in found}) == 9


def test_the_days_of_runs_are_those_that_prefect_gives_for_the_schedules() -> None:
    for deployment in yaml.safe_load(DEPLOYMENTS.read_text(encoding="utf-8"))["deployments"]:
        if not any(tag.startswith("country:") for tag in deployment["tags"]):
            continue
        for schedule in deployment["schedules"]:
            cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
            zone = ZoneInfo(schedule["timezone"])
            days = asyncio.run(
                cron.get_dates(n=60, start=datetime(2027, 1, 1, tzinfo=zone))  # type: ignore[arg-type]
            )
            ours = runs(date(2027, 1, 1), date(2028, 12, 31))
            mine = [run.day for run in ours if run.deployment == deployment["name"]]
            assert [day.astimezone(zone).date() for day in days] == mine[:60]
