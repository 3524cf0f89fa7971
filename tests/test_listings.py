"""Listings of publishers: what five standards say of files, whatever else is sent in their place,
and which of the files are a source's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from faulty_server import FaultyServer, running, status, whole
from file_server import serve
from synthetic import austria_metadata

from flows.offices import (
    census_bureau,
    ign,
    insee,
    insee_lists,
    insee_memberships,
    insee_movements,
    sirene,
    statbel,
    statbel_2011,
    statistik_austria,
    statistik_austria_lists,
)
from tasks.core.catalog import listed_files
from tasks.core.model.declarations import Source
from tasks.core.model.listings import Listing, Standard
from tasks.core.postgres.database import Database
from tasks.core.upstream import http
from tasks.core.upstream.listings import documents, offers
from tasks.core.upstream.listings.listed import Listed, ListingUnread, address, moment
from tasks.core.upstream.listings.offers import forget, matching, offered
from tasks.core.upstream.listings.reading import READERS, read

OFFICE = "https://office.example"
FEED = (
    '<feed xmlns="http://www.w3.org/2005/Atom"'
    ' xmlns:gpf_dl="https://data.geopf.fr/annexes/ressources/xsd/gpf_dl.xsd"{}>{}</feed>'
)
NEXT = '<link rel="next" href="/files/feed?page={}"/>'
WALL = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><script>1</script>"
    b"<a href='https://wall.example/why'>Why?</a> <a href='/help.html'>Help</a></body></html>"
)
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE feed [<!ENTITY a0 "ha">{LAUGHS}]>' + FEED.format("", "<title>&a9;</title>")
SECRETS = '<!DOCTYPE feed [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + FEED.format(
    "", '<entry><title>&a;</title><link href="https://office.example/a.zip"/></entry>'
)
TURTLE = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://office.example/node/1> a dcat:Dataset ;
    dct:title "Bevolking"@nl, "Population"@en ;
    dct:issued "2026-03-01"^^xsd:date ;
    dct:modified "2026-02-30"^^xsd:date ;
    dct:license [ dct:title "Licence ouverte"@fr, "Open licence"@en ] ;
    dcat:distribution <#zip>, <#xlsx>, <#page>, <#lost> .
<#zip> a dcat:Distribution ;
    dct:title "zip"@nl ;
    dct:modified "2026-04-02T10:00:00+02:00"^^xsd:dateTime ;
    dcat:byteSize "1200.0"^^xsd:decimal ;
    dcat:accessURL <https://office.example/node/1> ;
    dcat:downloadURL <https://office.example/files/POP%202026.zip> .
<#xlsx> a dcat:Distribution ; dcat:downloadURL </files/POP.xlsx>, <http://10.0.0.1/POP.xlsx> .
<#page> a dcat:Distribution ; dct:license <https://office.example/terms> ;
    dcat:accessURL <https://office.example/node/2> .
<#lost> a dcat:Distribution ; dcat:downloadURL <https://me:secret@office.example/POP.csv> .
"""
XML = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns:dcat="http://www.w3.org/ns/dcat#" xmlns:dct="http://purl.org/dc/terms/">
  <dcat:Dataset rdf:about="https://office.example/node/1">
    <dct:title xml:lang="en">Population</dct:title>
    <dcat:distribution><dcat:Distribution>
      <dct:issued>2026-03-01</dct:issued>
      <dcat:downloadURL rdf:resource="/files/POP.zip"/>
    </dcat:Distribution></dcat:distribution>
  </dcat:Dataset>
</rdf:RDF>"""
FRENCH = {
    "license": "lov2",
    "resources": [
        {
            "latest": "https://www.office.example/r/a29c",
            "url": "https://static.office.example/Stock_utf8.parquet",
            "title": "Stock\n of  2026\u0000",
            "published": "2018-10-17T08:10:57.803000+00:00",
            "last_modified": "2026-11-01T06:02:29",
            "filesize": 2_000_000_000,
        },
        {"url": "relative/notes.pdf", "title": None, "filesize": True, "created_at": "yesterday"},
        {"url": ["https://www.office.example/no-address"]},
        {"url": "ftp://www.office.example/stock.zip"},
    ],
}
APACHE = """<html><head><title>Index of /geo</title></head><body><table>
<tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><a href="/files/">Parent Directory</a></td><td>&nbsp;</td><td align="right">  - </td></tr>
<tr><td><a href="cb_2025_us_state_500k.zip">cb_2025_us_..&gt;</a></td>
<td align="right">2025-12-04 10:00  </td><td align="right">1.5M</td><td>&nbsp;</td></tr></table>
<pre><a href="old.zip">old.zip</a>      04-Dec-2024 10:00       1288490188
<a href="sub/">sub/</a>       2024-01-02 03:04    -
</pre></body></html>"""
PAGE = """<html><head><base href="/fr/"></head><body>
<a href="statistiques/fichier/7/table communes 2026.zip">T\u00e9l\u00e9charger (zip, 1 Mo)</a>
<a href="statistiques/fichier/7/table communes 2026.zip#top">again</a>
<a href="javascript:load('x.zip')">js</a> <a href="file:///etc/passwd.zip">file</a>
<a href="https://elsewhere.example/x.zip">other</a> <a href="//elsewhere.example/y.zip">other</a>
<a href="https://me:secret@office.example/x.zip">user</a> <a href="data:text/csv,1">data</a>
<a href="http://[bad/x.zip">bad</a> <a href="https://office.example:99999/x.zip">port</a>
<a name="here">no address</a></body></html>"""


def listing(standard: Standard, path: str = "/files/feed", **more: str) -> Listing:
    return Listing(
        slug="files",
        title="Files of an office",
        url=OFFICE + path,
        standard=standard,
        confidence="high",
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Callable[..., tuple[Listed, ...]]]:
    """Reads a listing of a standard that a server sends with these bytes."""
    forget()
    with serve(tmp_path) as base:

        def answer(standard: Standard, content: bytes | str, **more: str) -> tuple[Listed, ...]:
            data = content.encode() if isinstance(content, str) else content
            (tmp_path / "sent").write_bytes(data)
            return read(listing(standard, **more), f"{base}sent")

        yield answer


Sent = Callable[..., tuple[Listed, ...]]


class TestStandards:
    def test_dcat_in_turtle(self, sent: Sent) -> None:
        found = {file.url: file for file in sent("DCAT", TURTLE)}
        packed = found.pop(f"{OFFICE}/files/POP%202026.zip")
        assert (packed.title, packed.size) == ("Population: zip", 1200)
        assert (packed.licence, packed.issued) == ("Open licence", datetime(2026, 3, 1, tzinfo=UTC))
        assert packed.modified == datetime(2026, 4, 2, 8, tzinfo=UTC)
        assert found.pop(f"{OFFICE}/files/POP.xlsx").modified is None
        assert found.pop(f"{OFFICE}/node/2").licence == f"{OFFICE}/terms"
        assert not found

    def test_dcat_in_xml(self, sent: Sent) -> None:
        assert sent("DCAT", XML) == (
            Listed(
                url=f"{OFFICE}/files/POP.zip",
                title="Population",
                issued=datetime(2026, 3, 1, tzinfo=UTC),
            ),
        )

    def test_a_dataset_of_data_gouv(self, sent: Sent) -> None:
        stock, notes = sent("data.gouv.fr", json.dumps(FRENCH))
        assert (stock.url, stock.title) == ("https://www.office.example/r/a29c", "Stock of 2026")
        assert (stock.licence, stock.size) == ("lov2", 2_000_000_000)
        assert stock.issued == datetime(2018, 10, 17, 8, 10, 57, 803_000, UTC)
        assert stock.modified == datetime(2026, 11, 1, 6, 2, 29, tzinfo=UTC)
        assert notes == Listed(url=f"{OFFICE}/files/relative/notes.pdf", licence="lov2")

    def test_a_dataset_of_ogd_austria(self, sent: Sent) -> None:
        files = sent("OGD Austria", austria_metadata.population(2025, "about"))
        ours = statistik_austria.population(2025)
        (found,) = matching(files, ours)
        assert found.url == ours.urls[0]
        assert found.modified == datetime(2025, 3, 9, 13, 27, 36, tzinfo=UTC)
        assert "Creative Commons" in found.licence

    def test_an_index_of_apache_and_one_of_nginx(self, sent: Sent) -> None:
        found = {urlsplit(file.url).path: file for file in sent("links", APACHE, path="/geo/")}
        assert found["/geo/cb_2025_us_state_500k.zip"].size == 3 << 19
        assert found["/geo/cb_2025_us_state_500k.zip"].modified == moment("2025-12-04T10:00Z")
        assert found["/geo/old.zip"].size == 1_288_490_188
        assert found["/geo/old.zip"].modified == moment("2024-12-04T10:00Z")
        assert (found["/geo/sub/"].size, found["/files/"].modified) == (None, None)
        assert len(found) == 4

    def test_a_page_of_links_gives_files_of_its_own_host(self, sent: Sent) -> None:
        (found,) = sent("links", PAGE)
        assert found.url == f"{OFFICE}/fr/statistiques/fichier/7/table%20communes%202026.zip"
        assert found.title == "Télécharger (zip, 1 Mo)"

    def test_a_base_at_another_host_takes_no_link_there(self, sent: Sent) -> None:
        page = '<base href="https://elsewhere.example/"><a href="x.zip">x</a>'
        with pytest.raises(ListingUnread, match="no link there leads to a file"):
            sent("links", page)

    def test_pages_on_the_way_to_the_files(self, tmp_path: Path) -> None:
        pages = {
            "information/1": '<a href="/information/8">Code au 1er janvier 2026</a>'
            '<a href="/information/7">Code au 1er janvier 2025</a>',
            "information/8": '<a href="/files/v_mvt_commune_2026.csv">csv</a>',
        }
        (tmp_path / "information").mkdir()
        for name, page in pages.items():
            (tmp_path / name).write_text(page)
        meant = listing("links", "/information/1", by_way_of=r".*\b2026\b.*")
        with serve(tmp_path) as base:
            for place in (f"{base}information/1", str(tmp_path / "information/1")):
                assert f"{OFFICE}/files/v_mvt_commune_2026.csv" in [
                    file.url for file in read(meant, place)
                ]
        with pytest.raises(ListingUnread, match="no link there leads to a file"):
            read(replace(meant, by_way_of=""), str(tmp_path / "information/1"))


class TestAtom:
    ENTRY = (
        "<entry><title>{0}</title><updated>2026-06-30T14:59:00+01:00</updated>"
        '<link rel="alternate" type="application/atom+xml"'
        ' href="https://data.geopf.fr/telechargement/resource/CONTOURS-IRIS/{0}"/>'
        '<link rel="self" href="/itself"/></entry>'
    )

    def test_a_product_of_ign_gives_its_archive(self, sent: Sent) -> None:
        name = "CONTOURS-IRIS_3-1__GPKG_WGS84G_FRA_2026-01-01"
        files = sent("Atom", FEED.format("", self.ENTRY.format(name)))
        (found,) = matching(files, ign.iris(2026)[""])
        assert found.url == f"{ign.IRIS_FILES}/{name}/{name}.7z"
        assert found.modified == datetime(2026, 6, 30, 13, 59, tzinfo=UTC)

    def test_other_links_are_as_they_are(self, sent: Sent) -> None:
        entry = (
            '<entry><title>t</title><published>2026-01-02</published><link href="a.7z" length="9"'
            '/></entry><rights>CC BY 4.0</rights><entry><link href="a.7z"/></entry>'
        )
        assert sent("Atom", FEED.format("", entry)) == (
            Listed(
                url=f"{OFFICE}/files/a.7z",
                title="t",
                issued=datetime(2026, 1, 2, tzinfo=UTC),
                licence="CC BY 4.0",
                size=9,
            ),
        )

    @pytest.mark.parametrize("way", ["counted", "next", "tried until none", "tried until empty"])
    def test_pages(self, tmp_path: Path, way: str) -> None:
        """Of a mirror folder, whose names have the questions in them."""
        (tmp_path / "files").mkdir()
        counted = ' gpf_dl:pagecount="3"' if way == "counted" else ""
        for page in (1, 2, 3):
            more = NEXT.format(page + 1) if way == "next" and page < 3 else ""
            content = FEED.format(counted, self.ENTRY.format(f"P{page}") + more)
            (tmp_path / f"files/feed?page={page}").write_text(content)
        if way == "tried until empty":
            (tmp_path / "files/feed?page=4").write_text(FEED.format("", ""))
        if way == "tried until none":
            (tmp_path / "files/feed").write_text(
                (tmp_path / "files/feed?page=3").read_text()  # repeats
            )
        found = read(listing("Atom", "/files/feed?page=1"), str(tmp_path / "files/feed?page=1"))
        assert [file.title for file in found] == ["P1", "P2", "P3"]

    def test_pages_of_a_server_end_where_nothing_is_found(self) -> None:
        with running() as server:
            page = FEED.format("", self.ENTRY.format("P1")).encode()
            url = server.script("/feed", whole(page), status(404)) + "?page=1"
            assert len(read(listing("Atom", "/feed?page=1"), url)) == 1
            assert [asked.path for asked in server.asked] == ["/feed?page=1", "/feed?page=2"]

    def test_pages_that_fail_on_the_way_are_no_end(self) -> None:
        with running() as server:
            page = FEED.format(' gpf_dl:pagecount="2"', self.ENTRY.format("P1")).encode()
            url = server.script("/feed", whole(page), status(404))
            with pytest.raises(ListingUnread, match="status 404"):
                read(listing("Atom", "/feed"), url)

    def test_the_next_page_is_asked_of_the_mirror_and_of_no_other_host(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "office/files").mkdir(parents=True)
        first, second = tmp_path / "office/files/feed", tmp_path / "office/files/rest"
        second.write_text(FEED.format("", self.ENTRY.format("P2")))
        with serve(tmp_path) as base:
            for address in ("rest", "/files/rest", f"{OFFICE}/files/rest"):
                more = f'<link rel="next" href="{address}"/>'
                first.write_text(FEED.format("", self.ENTRY.format("P1") + more))
                found = read(listing("Atom"), f"{base}office/files/feed")
                assert [file.title for file in found] == ["P1", "P2"]
            more = '<link rel="next" href="https://elsewhere.example/files/rest"/>'
            first.write_text(FEED.format("", self.ENTRY.format("P1") + more))
            with pytest.raises(ListingUnread, match="its next page is at another publisher"):
                read(listing("Atom"), f"{base}office/files/feed")

    def test_a_feed_without_end_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "files").mkdir()
        for page in range(1, 53):
            content = FEED.format("", self.ENTRY.format(f"P{page}") + NEXT.format(page + 1))
            (tmp_path / f"files/feed?page={page}").write_text(content)
        with pytest.raises(ListingUnread, match="more than 50 pages"):
            read(listing("Atom", "/files/feed?page=1"), str(tmp_path / "files/feed?page=1"))


class TestHostile:
    @pytest.mark.parametrize("standard", READERS)
    @pytest.mark.parametrize(
        "content",
        [
            WALL,
            b"",
            b"[" * 10_000_000,
            b'{"a":' * 100_000,
            b'{"resources": [{"url": "https://office.example/a.zip", "cre',
            b'{"resources": ["https://office.example/a.zip"]}',
            BOMB.encode(),
            SECRETS.encode(),
            bytes(range(256)),
            b"@prefix a: <http://a/> . a:b a:c " + b"[ a:d " * 100_000,
            b"<a>" * 10_000,
        ],
        ids=(
            "a wall, nothing, brackets, objects, cut JSON, no objects, a bomb, an entity of a file,"
            " bytes, nodes, depth"
        ).split(", "),
    )
    def test_what_is_no_listing_is_one_sentence(
        self, sent: Sent, standard: Standard, content: bytes
    ) -> None:
        with pytest.raises(ListingUnread) as raised:
            sent(standard, content)
        said = str(raised.value)
        assert said.startswith("The listing 'Files of an office' was expected to be")
        assert "could not be read" in said
        assert "\n" not in said
        assert len(said) < 700
        assert raised.value.__cause__ is None
        assert "root:" not in said
        assert not raised.value.gone

    def test_a_wall_is_named(self, sent: Sent) -> None:
        with pytest.raises(ListingUnread, match="a web page was sent in its place"):
            sent("DCAT", b"\xef\xbb\xbf\n<!-- wall --> " + WALL)

    def test_bad_turtle_is_named_by_its_line(self, sent: Sent) -> None:
        with pytest.raises(ListingUnread, match=r"could not be read: line 2 is no Turtle, "):
            sent("DCAT", "@prefix a: <http://a/> .\na:b a:c ;;; nothing .\n")

    @pytest.mark.parametrize(
        ("standard", "content"),
        [("DCAT", TURTLE), ("DCAT", XML), ("data.gouv.fr", json.dumps(FRENCH))],
        ids=["Turtle", "XML", "JSON"],
    )
    def test_wherever_it_is_cut_it_is_read_or_one_sentence(
        self, tmp_path: Path, standard: Standard, content: str
    ) -> None:
        path = tmp_path / "cut"
        for length in range(1, len(content), 19):
            path.write_text(content[:length])
            with suppress(ListingUnread):
                read(listing(standard), str(path))

    def test_a_large_one_is_cut_off(self, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents, "LARGEST", 1000)
        with pytest.raises(ListingUnread, match=r"at most 1,000 bytes are taken .*\. Look at"):
            sent("links", b"x" * 2000)

    def test_the_bound_is_of_all_pages(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(documents, "LARGEST", 1000)
        (tmp_path / "files").mkdir()
        for page in range(1, 10):
            content = FEED.format("", TestAtom.ENTRY.format(f"P{page}"))
            (tmp_path / f"files/feed?page={page}").write_text(content)
        with pytest.raises(ListingUnread, match="at most 1,000 bytes"):
            read(listing("Atom", "/files/feed?page=1"), str(tmp_path / "files/feed?page=1"))

    @pytest.mark.parametrize("code", [404, 410, 403, 204, 206])
    def test_statuses(self, code: int) -> None:
        with running() as server:
            url = server.script("/feed", status(code))
            with pytest.raises(ListingUnread, match=f"status {code}") as raised:
                read(listing("DCAT"), url)
        assert raised.value.gone == (code in (404, 410))

    def test_a_server_that_is_away_or_busy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
        with running() as server:
            url = server.script("/feed", status(503))
            with pytest.raises(ListingUnread, match="status 503"):
                read(listing("Atom"), url)
        with pytest.raises(ListingUnread) as raised:
            read(listing("Atom"), url.replace("/feed", "/feed?token=hidden"))
        assert "hidden" not in str(raised.value)
        assert not raised.value.gone

    def test_a_folder_or_file_that_is_missing(self, tmp_path: Path) -> None:
        for place in (tmp_path, tmp_path / "feed.xml", tmp_path / "feed?page=1"):
            with pytest.raises(ListingUnread, match="No such file") as raised:
                read(listing("Atom"), str(place))
            assert raised.value.gone

    def test_a_folder_of_a_mirror_has_an_index(self, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text(APACHE)
        assert len(read(listing("links", "/geo/"), str(tmp_path))) == 4


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("a b.zip", "https://office.example/files/a%20b.zip"),
        ("/é.zip#x", "https://office.example/%C3%A9.zip"),
        ("HTTPS://office.example/a%20b.zip", "https://office.example/a%20b.zip"),
        ("https://files.elsewhere.example/a.zip", "https://files.elsewhere.example/a.zip"),
        *((text, None) for text in ("", None, 3, "https://me@office.example/", "a\nb.zip")),
        *((text, None) for text in ("http://127.0.0.1/a", "http://[::1]/a", "http://0x7f.1/a")),
        *((text, None) for text in ("http://2130706433/a", "http://localhost./a", "http://nas/a")),
        *((text, None) for text in ("http://metadata.google.internal/", "https://a.example:x/")),
        ("https://office.example/" + "a" * 3000, None),
    ],
)
def test_addresses(reference: object, expected: str | None) -> None:
    assert address(reference, f"{OFFICE}/files/feed") == expected


def test_an_office_on_this_network_may_list_its_own_files() -> None:
    assert address("a.zip", "http://127.0.0.1:8000/x") == "http://127.0.0.1:8000/a.zip"


class TestMatching:
    SOURCE = replace(statbel.population(2024), listed=r"sectors/POP 2024(_\d)?\.zip")

    def test_the_path_matches_from_its_start_or_a_slash(self) -> None:
        paths = (
            "/a/sectors/POP%202024.zip?v=1",
            "/sectors/POP 2024_0.zip",
            "/sectors/POP+2024.zip",
        )
        others = (
            "/xsectors/POP%202024.zip",
            "/sectors/POP%202024.zip.md5",
            "/x?sectors/POP 2024.zip",
        )
        files = [Listed(url=OFFICE + path) for path in (*paths, *others)]
        assert matching(files, self.SOURCE) == tuple(files[:2])

    def test_the_newest_is_first_and_the_order_stays(self) -> None:
        days = [None, "2024-01-01", "2025-01-01", "2024-01-01", None]
        files = [
            Listed(url=f"{OFFICE}/{n}/sectors/POP 2024.zip", modified=moment(day))
            for n, day in enumerate(days)
        ]
        files.append(
            replace(files[0], url=files[0].url.replace("/0/", "/5/"), issued=moment("2026"))
        )
        files[5] = replace(files[5], issued=moment("2026-01-01"))
        assert [file.url.split("/")[3] for file in matching(files, self.SOURCE)] == list("521304")

    def test_nothing_matches_no_pattern(self) -> None:
        assert matching([Listed(url=f"{OFFICE}/")], replace(self.SOURCE, listed="")) == ()


class TestOffered:
    @pytest.fixture
    def server(self) -> Iterator[FaultyServer]:
        forget()
        with running() as server:
            yield server
        forget()

    SOURCE = replace(statbel.population(2024), listing=listing("links"), listed=r"P\.zip")
    FILE = Listed(url=f"{OFFICE}/P.zip", title="p")

    def test_a_source_without_a_listing_is_not_asked(self) -> None:
        assert offered(replace(self.SOURCE, listing=None)) == ()

    def test_each_address_is_asked_once_until_it_is_forgotten(self, server: FaultyServer) -> None:
        url = server.script("/feed", whole(b'<a href="/P.zip">p</a>'))
        for _ in range(3):
            assert offered(self.SOURCE, at=lambda _: url) == (self.FILE,)
        assert offered(replace(self.SOURCE, listed="Q"), at=lambda _: url) == ()
        assert len(server.asked) == 1
        forget()
        assert offered(self.SOURCE, at=lambda _: url) == (self.FILE,)
        assert len(server.asked) == 2

    def test_an_old_answer_is_asked_for_again(
        self, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(offers, "KEPT_SECONDS", 0.0)
        url = server.script("/feed", whole(b'<a href="/P.zip">p</a>'))
        offered(self.SOURCE, at=lambda _: url)
        offered(self.SOURCE, at=lambda _: url)
        assert len(server.asked) == 2

    def test_an_unread_listing_is_not_asked_at_once_again(self, server: FaultyServer) -> None:
        url = server.script("/feed", status(404))
        said = set()
        for _ in range(2):
            with pytest.raises(ListingUnread, match="status 404") as raised:
                offered(self.SOURCE, at=lambda _: url)
            assert raised.value.gone
            said.add(str(raised.value))
        assert (len(said), len(server.asked)) == (1, 1)

    def test_a_file_of_this_machine_is_read_every_time(self, tmp_path: Path) -> None:
        page = tmp_path / "page"
        page.write_text('<a href="/P.zip">p</a>')
        assert offered(self.SOURCE, at=lambda _: str(page)) == (self.FILE,)
        page.write_text('<a href="/Q.zip">p</a>')
        assert offered(self.SOURCE, at=lambda _: str(page)) == ()


def test_the_catalog_keeps_when_a_file_was_first_seen(other_database: Database) -> None:
    source = replace(statbel.population(2024), mirror="made")
    file = Listed(url=f"{OFFICE}/P.zip?key=hidden", title="old", size=3 << 40)
    first, last = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
    with other_database.session() as cursor:
        listed_files.record(cursor, source, [file], first)
        listed_files.record(cursor, source, [replace(file, title="new", issued=first)], last)
        listed_files.record(cursor, replace(source, listing=None), [file])
        listed_files.record(cursor, replace(source, mirror=""), [file])
    query = (
        "SELECT url, title, issued, size_bytes, first_seen_at, last_seen_at, listing"
        " FROM catalog.listed_file WHERE mirror = 'made'"
    )
    assert other_database.rows(query) == [
        (f"{OFFICE}/P.zip?key=***", "new", first, 3 << 40, first, last, source.listing.url)  # type: ignore[union-attr]
    ]
    now = "SELECT count(*) FROM catalog.listed_file WHERE first_seen_at = last_seen_at"
    assert other_database.rows(now) == [(1,)]


def declared() -> list[Source]:
    """Every source of every office, of every year."""
    years = statbel.RELEASES.keys() | statbel.SECTORS_WITHOUT_FIGURES.keys()
    found = [statbel.sectors(year) for year in sorted(years)]
    for year in statbel.RELEASES:
        found += [each(year) for each in (statbel.population, statbel.income)]
        found += [statbel.municipal_income(year)]
    found += [statbel_2011.sectors(), statbel_2011.municipal_income()]
    for year in insee.RELEASES:
        found += [*ign.iris(year).values(), *insee.figures(year).values()]
        found += [insee_memberships.memberships(year), insee_movements.movements(year)]
        found += [insee_lists.postal_codes(year)]
    found += [each(year) for each in (sirene.stock, sirene.geolocation) for year in sirene.RELEASES]
    for year in statistik_austria.RELEASES:
        found += statistik_austria.residents(year).values()
        found += [statistik_austria.municipalities(year), statistik_austria.districts(year)]
        found += [statistik_austria.employment(year), *statistik_austria.terms(year).values()]
        found += [statistik_austria_lists.typology(year)]
    for year in census_bureau.RELEASES:
        found += [census_bureau.states(year), census_bureau.counties(year)]
        found += [census_bureau.tracts(year)["01"], census_bureau.block_groups(year)["72"]]
    found += [
        file for year in census_bureau.SURVEYED for file in census_bureau.surveys(year).values()
    ]
    found += map(census_bureau.county_estimates, census_bureau.ESTIMATED)
    return [*found, *map(census_bureau.subject_table, census_bureau.WITH_INCOME)]


WITHOUT_LISTING = (  # one address, other forms, documents themselves, by hand
    "fr-postal-codes at-municipalities at-districts at-municipalities-metadata"
    " at-population-metadata at-employment-metadata at-typology us-s1901"
).split()


class TestOffices:
    def test_every_source_has_a_listing_or_a_reason(self) -> None:
        once = {"be-sectors", "be-municipal-income"}
        for source in declared():
            expected = source.slug not in WITHOUT_LISTING and not (
                source.slug in once and source.vintage == 2011
            )
            assert (source.listing is not None) == expected, source.title
            assert bool(source.listed) == expected, source.title

    def test_a_source_is_listed_under_its_own_address_and_that_of_no_other_year(self) -> None:
        sources = [source for source in declared() if source.listing]
        for source in sources:
            assert [file.url for file in matching([Listed(url=source.urls[0])], source)]
            others = {other.urls[0] for other in sources if other.slug == source.slug}
            files = [Listed(url=url) for url in others - {source.urls[0]}]
            assert not matching(files, source), source.title

    def test_no_source_is_listed_under_the_address_of_another(self) -> None:
        sources = [source for source in declared() if source.listing]
        files = [Listed(url=url) for url in {source.urls[0] for source in sources}]
        for source in sources:
            assert [file.url for file in matching(files, source)] == [source.urls[0]], source.title

    def test_a_listing_has_one_slug(self) -> None:
        listings = {source.listing for source in declared() if source.listing}
        assert len({each.slug for each in listings}) == len(listings)
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", each.slug) for each in listings)

    @pytest.mark.parametrize(
        ("source", "name", "expected"),
        [
            (statbel.population(2024), "OPENDATA_SECTOREN_2024_0.zip", True),
            (statbel.population(2024), "OPENDATA_SECTOREN_2024.xlsx", False),
            (statbel.population(2025), "OPENDATA_SECTOREN_2025_OLD.zip", False),
            (statbel.income(2025), "TF_PSNL_INC_TAX_SECTOR_1.zip", True),
            (
                statbel.sectors(2024),
                "sh_statbel_statistical_sectors_3812_20240101.geojson.zip",
                False,
            ),
            (insee_memberships.memberships(2025), "table-appartenance-geo-communes-25.zip", True),
            (insee.income(2024), "BASE_TD_FILO_IRIS_2021_DEC_CSV.zip", False),
            (
                ign.iris(2024)["fxx"],
                "CONTOURS-IRIS_3-1__GPKG_LAMB93_FXX_2024-01-01.7z",
                True,
            ),
            (
                ign.iris(2024)["fxx"],
                "CONTOURS-IRIS_3-0__SHP_LAMB93_FXX_2024-01-01.7z",
                False,
            ),
        ],
    )
    def test_other_names(self, source: Source, name: str, expected: bool) -> None:
        assert bool(matching([Listed(url=f"{OFFICE}/files/{name}")], source)) == expected


@pytest.mark.real
class TestRealFiles:
    def test_the_catalogue_of_statbel(self, real_files: Path) -> None:
        path = str(real_files / "belgium/DCAT_opendata_datasets_subset.ttl")
        for source in (statbel.sectors(2022), statbel.population(2022), statbel.income(2022)):
            (found,) = offered(source, at=lambda _: path)
            assert found.url == source.urls[0]
            assert "Licence%20open%20data_EN.pdf" in found.licence
        assert found.title.startswith("Fiscal statistics on income by Statistical sector: ")
        assert offered(statbel.population(2023), at=lambda _: path) == ()

    def test_the_document_of_a_dataset_of_austria(self, real_files: Path) -> None:
        meant = listing("OGD Austria")
        found = read(meant, str(real_files / "austria/OGDEXT_GEM_1_metadata.json"))
        assert len(found) == 16
        assert found[0].title == "Gemeinden 2026-01-01"
        assert found[0].modified == datetime(2026, 3, 9, 13, 27, 36, tzinfo=UTC)
        assert found[0].licence == "Creative Commons Namensnennung 4.0 International"
