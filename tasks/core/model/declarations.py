"""What a flow declares about its sources: plain frozen dataclasses, no behaviour.

A flow states facts; the verbs hold the publisher to them. Columns are declared in
tasks.core.model.columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from tasks.core.model.columns import Column
from tasks.core.model.listings import Listing

Container = Literal[
    "zip", "7z", "gzip", "xlsx", "xls", "ods", "sqlite", "json", "xml", "parquet", "text"
]
Retention = Literal["permanent", "newest", "legal_maximum"]
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """An office that publishes data. `slug` is its stable key in the catalog."""

    slug: str
    name: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Licence:
    """The terms of reuse, with the attribution text to print beside every map."""

    slug: str
    title: str
    url: str
    attribution: str


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The number of rows a file must have, both ends included."""

    low: int
    high: int

    @classmethod
    def exactly(cls, count: int) -> Rows:
        """Give one number only."""
        return cls(low=count, high=count)


@dataclass(frozen=True, kw_only=True)
class Total:
    """An official total: what a column must sum to, within a relative tolerance."""

    expected: float
    tolerance: float = 0.0
    stated_by: str = "the publisher"


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How a publisher writes values, in tables and in the attributes of geometry files alike.

    day_first: the order of 07/01/2023, day before month or after it; without it such a date is
    refused as ambiguous. time_zone: the office's ("Europe/Paris"), for moments whose day depends on
    it. missing: the reason for a marker such as "*" or -99997, kept beside each figure in
    <column>_reason; "" gives every empty cell a reason. zero: the markers that mean 0.
    """

    decimal_point: str = "."
    thousands: str = ""
    day_first: bool | None = None
    time_zone: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    zero: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Features(Writing):
    """How a geometry file is read.

    member, layer: shell patterns of the file in its archive and the layer in the file, of several.
    crs: EPSG code the publisher states; compared with the file's own, used when the file has none
    and `crs_missing` allows it. bounds: (xmin, ymin, xmax, ymax) of the country in that CRS only.
    published_crs: EPSG code of the loaded table. dimension: 2 drops Z, 3 keeps it. crs_of: the EPSG
    codes of territories, by shell patterns on a file's path in its archive.
    """

    columns: Mapping[str, Column]
    crs: int
    published_crs: int
    key: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    member: str | None = None
    layer: str | None = None
    dimension: Literal[2, 3] = 2
    crs_missing: bool = False
    crs_of: Mapping[str, int] = field(default_factory=dict)
    encoding: str | None = None
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Table(Writing):
    """How a table of figures is read.

    member: shell pattern of the file in its archive, where one original has several. sheet: of a
    workbook. quote: "" where nothing is quoted. header_rows: counted from 1; several are joined by
    a blank, for merged titles. skip_rows_after_header: rows of labels or units under them.
    reasons_in: the text column that keeps the reasons of a whole row, instead of one beside each
    figure. where: keeps the rows whose source column matches a shell pattern ("2023",
    "0500000US*"). notes: shell patterns of the first cell of rows that are notes under the table,
    not data; () says that there are none. merged: the columns whose merged cells hold for every row
    that they cover.
    """

    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    member: str | None = None
    sheet: str | None = None
    header_rows: tuple[int, ...] = (1,)
    skip_rows_after_header: int = 0
    reasons_in: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] | None = None
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document kept and read whole: what a portal says about its data, by a named standard."""

    standard: Literal["OGD Austria Metadata"]


Reading = Features | Table | Document


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file of one publisher, for one vintage.

    urls: addresses, the likeliest first; none where the file is fetched by hand (GEODATA_INBOX) or
    comes by a mirror. inbox_first: a file laid there is taken before a publisher is asked. member:
    shell pattern of the file in the archive. reads: how the file is read, or each of its tables by
    name (sheets of a workbook, layers of a GeoPackage, files of an archive). territories: `member`
    means one file for each territory, read alike. pages: features a page of a web feature service
    (WFS 2.0 answering in GeoJSON). codes_of: the day whose area codes the file uses, if not the
    reference date (some offices give old figures on today's areas). packed: a zip's member too
    large to unpack is read packed. rows, totals, distinct (different values of a column) and counts
    (rows with each value, or LIKE pattern, of a column): the publisher's own numbers. retention:
    permanent (every original stays), newest (of each vintage the newest `keep_originals`, and those
    that editions need) or legal_maximum (none longer than keep_days; keep_originals may limit it).
    current: each address gives today's file whatever is asked, which must be of the year of the
    reference date; dated_by: the loaded column whose newest day tells it too; days_behind: those by
    which the file may be older than that year. listing, listed:
    where its publisher lists it, and the regular expression that its address there matches from its
    start or after a slash; such an address is asked before `urls`. otherwise: what is taken as long
    as this one is not out, or its file has not the whole year that is meant. mirror: the label of
    the mirror the file is from, or empty.
    """

    slug: str
    vintage: int
    title: str
    publisher: Publisher
    licence: Licence
    landing_page: str
    urls: tuple[str, ...]
    container: Container
    reads: Reading | Mapping[str, Features | Table]
    reference_date: date
    released: str
    confidence: Confidence
    member: str | None = None
    territories: bool = False
    rows: Rows | None = None
    totals: Mapping[str, Total] = field(default_factory=dict)
    distinct: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, Rows]] = field(default_factory=dict)
    minimum_bytes: int = 1
    asked_every_days: int = 14
    retention: Retention = "permanent"
    keep_days: int | None = None
    keep_originals: int | None = None
    pages: int | None = None
    codes_of: date | None = None
    packed: bool = False
    inbox_first: bool = False
    current: bool = False
    dated_by: str = ""
    days_behind: int = 0
    listing: Listing | None = None
    listed: str = ""
    otherwise: Source | None = None
    mirror: str = ""

    @property
    def codes_day(self) -> date:
        """The day whose area codes the file uses."""
        return self.codes_of or self.reference_date

    @property
    def states_numbers(self) -> bool:
        """Whether a number is declared that the file is held to."""
        return any((self.rows, self.totals, self.distinct, self.counts))

    @property
    def inbox_name(self) -> str:
        """The name under which a person lays the file into the inbox."""
        return f"{self.slug}-{self.vintage}.{self.container}"

    @property
    def parts(self) -> Mapping[str, Reading]:
        """How each table of the file is read, by its name; "" where the file is one table."""
        return self.reads if isinstance(self.reads, Mapping) else {"": self.reads}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What one flow publishes: stable views in `schema`, one per layer.

    layers: name of each published table and its key columns. keep: editions kept for each vintage.
    may_be_empty: the layers that may have no row; any other without one is not published. vintages:
    those declared; of others nobody said what to expect.
    """

    slug: str
    title: str
    country: str
    schema: str
    layers: Mapping[str, tuple[str, ...]]
    keep: int = 3
    may_be_empty: tuple[str, ...] = ()
    vintages: tuple[int, ...] = ()
