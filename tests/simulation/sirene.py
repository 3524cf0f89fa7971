"""INSEE's register: each month a stock on its first day, positions on its 21st.

All months are one register: an establishment that is in one is in the next, and new ones come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from simulation.releases import Release, Workshop
from synthetic import sirene_layout, sirene_locations, sirene_stock
from synthetic.sirene_blocks import Block, Plan
from synthetic.sirene_files import Published
from synthetic.sirene_ground import Ground

RESOURCES = "https://www.data.gouv.fr/api/1/datasets/r"
STOCK, POSITIONS = "a29c1297-1f92-4e2a-8f6b-8c902ce96c5f", "672007af-0146-491f-835c-8314d63fa44e"
FIRST, AFTER = date(2026, 9, 1), date(2030, 1, 1)
TREATED, BEGAN = "dateDernierTraitementEtablissement", "dateDebut"


@dataclass(frozen=True)
class Register:
    """All establishments there will ever be: their facts, stock and positions."""

    block: Block
    stock: pa.RecordBatch
    positions: pa.RecordBatch

    def of(self, month: date) -> tuple[pa.Table, pa.Table]:
        """Stock and positions on the first of a month."""
        day = np.datetime64(month)
        unknown = np.isnat(self.block.created) | (self.block.created > np.datetime64(AFTER))
        there = unknown | (self.block.created < day)
        stock = self._as_of(month).filter(pa.array(there))
        kept = pc.is_in(self.positions["siret"], stock["siret"])
        return stock, pa.Table.from_batches([self.positions]).filter(kept)

    def _as_of(self, month: date) -> pa.Table:
        """The stock with days before the month only; its newest is the day before."""
        table, first = pa.Table.from_batches([self.stock]), np.datetime64(month)
        clock = self.block.treated - self.block.treated.astype("M8[D]")
        treated = np.minimum(self.block.treated.astype("M8[D]"), first - 1) + clock
        late = self.block.began >= first
        began = np.where(
            late & (self.block.began < np.datetime64(AFTER)), first - 1, self.block.began
        )
        for name, values in ((TREATED, pa.array(treated)), (BEGAN, pa.array(began))):
            field = table.schema.field(name)
            table = table.set_column(
                table.schema.get_field_index(name), field, values.cast(field.type)
            )
        return table


class Sirene:
    """The register of the establishments of a France."""

    def __init__(
        self, works: Workshop, seed: int, establishments: int, ground: Callable[[], Ground]
    ) -> None:
        self.works, self.seed, self.size, self.ground = works, seed, establishments, ground

    @cached_property
    def register(self) -> Register:
        """All establishments until the end; about nine in ten are there in the first month."""
        plan = Plan(self.ground(), self.size, AFTER, self.seed, 0.62)
        block = plan.block(0)
        stock = sirene_stock.batch(block)
        return Register(block, stock, sirene_locations.batch(block))

    def releases(self) -> Iterator[Release]:
        """A stock and its positions each month."""
        month = FIRST
        while month < AFTER:
            yield self._release(month, month, STOCK, sirene_layout.STOCK_NAME)
            yield self._release(
                month, month.replace(day=21), POSITIONS, sirene_layout.LOCATION_NAME
            )
            month = date(month.year + month.month // 12, month.month % 12 + 1, 1)

    def _release(self, month: date, day: date, resource: str, name: str) -> Release:
        return Release(
            day=day,
            address=f"{RESOURCES}/{resource}",
            group="data.gouv.fr",
            vintage=month.year,
            title=f"{name} {month:%Y-%m}",
            make=lambda: self._written(month) / f"{name}.parquet",
        )

    def _written(self, month: date) -> Path:
        return self.works.once(f"sirene-{month:%Y-%m}", partial(self._write, month))

    def _write(self, month: date, folder: Path) -> None:
        stock, positions = self.register.of(month)
        for table, name, schema, delimiter in (
            (stock, sirene_layout.STOCK_NAME, sirene_layout.STOCK, ","),
            (positions, sirene_layout.LOCATION_NAME, sirene_layout.LOCATIONS, ";"),
        ):
            with Published(folder, name, schema, delimiter, ("parquet",), month) as published:
                for batch in table.combine_chunks().to_batches():
                    published.append(batch)
