"""GeoJSON as most of it is, read feature by feature; GDAL reads the files that are Strange."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from types import NoneType
from typing import Any

import orjson
import pyarrow as pa
import pyogrio
from pyogrio.errors import DataSourceError

from tasks.core.making.fields import match_fields
from tasks.core.making.geometry.geometry_files import BATCH_BYTES, BATCH_FEATURES, Place
from tasks.core.making.geometry.json_features import Collection, Strange, read_object
from tasks.core.making.geometry.json_members import members_after, require_no_part
from tasks.core.making.geometry.json_shapes import tail_of
from tasks.core.making.geometry.json_wkb import require_numbers, wkb_of
from tasks.core.making.geometry.lost_geometries import Batches
from tasks.core.making.geometry.written_numbers import require_plain_numbers
from tasks.core.making.markers import is_marker
from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError

Parsed = tuple[list[dict[str, Any]], list[bytes | None]]  # properties and geometries
OF_JSON_FG = {"place", "time", "featureType", "coordRefSys"}  # members of features
OF_COUCHDB = {"_id", "_rev", "type", "properties"}  # properties in which the real ones are
NO_NAME = "\0"  # of a property
SOMEWHERE = {"geometry": {"type": "Point", "coordinates": [0, 0]}}
KINDS, NUMBERS = (str, float, bool), {int, float}


class PlainFeatures:
    """The features of one file, read once.

    fields: the file's own name of each declared column. told: what GDAL says of the members around
    the features. All raise Strange at what only GDAL reads.
    """

    def __init__(self, place: Place, reads: Features, collection: Collection) -> None:
        self._place, self._reads, self._collection = place, reads, collection
        self._names: dict[str, None] = {}
        self._kinds: dict[str, type] = {}
        self._has_ids = self._has_news = False
        parsed = self._parsed()
        first = next(parsed, None)
        if not first:
            raise Strange
        self.fields = self._matched()
        self._members = self._members_known()
        self.told = self._told(first[0][0])
        self.batches = self._batches(chain([first], parsed))

    def _parsed(self) -> Iterator[Parsed]:
        """Yield properties and geometries, batch by batch, and learn the names of properties."""
        texts = self._collection.features()
        while True:
            properties, shapes, size = [], [], 0
            for text in islice(texts, BATCH_FEATURES):
                feature = read_object(text)
                properties.append(self._properties(feature))
                if self._collection.has_truths:
                    require_numbers(feature.get("geometry"))
                shapes.append(wkb_of(feature.get("geometry")))
                if (size := size + len(text)) > BATCH_BYTES:
                    break
            if not shapes:
                return
            known = len(self._names)
            self._names |= dict.fromkeys(chain.from_iterable(properties))
            self._has_news |= len(self._names) > known
            yield properties, shapes

    def _properties(self, feature: dict[str, Any]) -> dict[str, Any]:
        properties = feature.get("properties")
        if feature.get("type") != "Feature" or not isinstance(properties, dict):
            raise Strange
        if feature.keys() & OF_JSON_FG:
            raise Strange
        if not self._has_ids and "id" not in properties and feature.get("id") is not None:
            self._has_ids = self._has_news = True  # a field to GDAL, unless all are whole numbers
        return properties

    def _matched(self) -> dict[str, str | None]:
        names = [*dict.fromkeys(["id"] * self._has_ids + [*self._names])]
        self._has_news = False
        try:
            fields = match_fields(self._reads.columns, names, self._place.name)
        except SourceError as error:  # GDAL knows the names of all features
            raise Strange(error) from None
        if (self._has_ids and "id" in fields.values()) or {*names} >= OF_COUCHDB:
            raise Strange
        return fields

    def _members_known(self) -> dict[str, Any]:
        """Return the members before the features and those at the end."""
        return members_after(tail_of(self._place)) | self._collection.before

    def _told(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Let GDAL read the members around a feature."""
        feature = {"type": "Feature", "properties": properties} | SOMEWHERE
        try:
            frame = orjson.dumps(self._members | {"features": [feature]})
            told: dict[str, Any] = pyogrio.read_info(frame)
        except (orjson.JSONEncodeError, DataSourceError) as error:  # nested too deep, or no layer
            raise Strange(error) from None
        if told["driver"] != "GeoJSON":
            raise Strange
        return told

    def _batches(self, parsed: Iterator[Parsed]) -> Batches:
        """Yield batches of the fields with their geometries; then hold the file to its members."""
        names = [*dict.fromkeys(filter(None, self.fields.values()))]
        features = 0
        for properties, shapes in parsed:
            if self._has_news and self._matched() != self.fields:
                raise Strange
            cells = ([each.get(name) for each in properties] for name in names)
            columns = [*map(self._column, names, cells)]
            geometries = pa.array(shapes, pa.binary())
            features += len(shapes)
            yield pa.RecordBatch.from_arrays([*columns, geometries], [*names, NO_NAME]), geometries
        before, after = self._collection.before, self._collection.after
        told = (before | after).get("crs")
        if before.keys() & after.keys() or told != self._members.get("crs"):
            raise Strange
        require_no_part(before | after, features, self._place.name)

    def _column(self, name: str, values: list[Any]) -> pa.Array:
        """Return values as they are; raise Strange where the column has several kinds."""
        types = {*map(type, values)} - {NoneType}
        if not types:
            return pa.nulls(len(values), pa.string())
        kind = float if types <= NUMBERS else types.pop() if len(types) == 1 else None
        if kind not in KINDS:
            raise Strange
        if name not in self._kinds:
            self._kinds[name] = kind
            self._require_plain(name, kind)
        if self._kinds[name] is not kind:
            raise Strange
        if float in types:  # as GDAL has all numbers of such a column
            return pa.array([value if value is None else float(value) for value in values])
        return pa.array(values)

    def _require_plain(self, name: str, kind: type) -> None:
        """Raise SourceError where numbers stand for the letters of a code, and not plainly."""
        columns, missing = self._reads.columns, self._reads.missing
        texts = (field for target, field in self.fields.items() if columns[target].type == "text")
        if kind is not str and name in texts:
            may_be_nan, is_number = is_marker("NaN", missing), kind is float
            require_plain_numbers(self._place, name, is_number=is_number, may_be_nan=may_be_nan)
