"""The 54 columns of StockEtablissement, from the facts of a block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from synthetic import sirene_layout, sirene_words
from synthetic.coverage import Integers
from synthetic.sirene_blocks import Block, Flags

Columns = dict[str, pa.Array]
ABROAD = (
    "codePaysEtrangerEtablissement",
    "libellePaysEtrangerEtablissement",
    "libelleCommuneEtrangerEtablissement",
)
# shares with an address in the national base: found to the number (_B), to the street (_C)
COORDINATES, COARSE = (0.62, 0.18)
AWKWARD = 0.004  # share of the names that hold a comma, a quotation mark or a backslash
# by whether it is closed, the share that a head count is known of
BAND = {False: 0.13, True: 0.005}


def batch(block: Block) -> pa.RecordBatch:
    """The block as it is published: partial ones masked, empty where INSEE tells nothing."""
    columns = {
        **_identity(block),
        **_place(block),
        **_address(block),
        **_names(block),
        **_people(block),
        **_activity(block),
    }
    for name in sirene_layout.MASKED:
        columns[name] = _masked(columns.get(name), block.partial)
    for name in (*sirene_layout.NAMES, *sirene_layout.SECOND_ADDRESS):
        if name in columns:
            told = block.partial & columns[name].is_valid().to_numpy(zero_copy_only=False)
            columns[name] = _masked(columns[name], told)
    empty = pa.nulls(len(block), pa.string())
    return pa.RecordBatch.from_arrays(
        [columns.get(name, empty) for name in sirene_layout.COLUMNS], schema=sirene_layout.STOCK
    )


def sirets(block: Block) -> pa.Array:
    """Fourteen digits."""
    return pc.binary_join_element_wise(_digits(block.siren, 9), _digits(block.nic, 5), "")


def _identity(block: Block) -> Columns:
    return {
        "siren": _digits(block.siren, 9),
        "nic": _digits(block.nic, 5),
        "siret": sirets(block),
        "statutDiffusionEtablissement": chosen(("O", "P"), block.partial),
        "etablissementSiege": pa.array(block.siege),
        "etatAdministratifEtablissement": chosen(("A", "F"), block.closed),
        "dateCreationEtablissement": pa.array(block.created),
        "dateDebut": pa.array(block.began),
        "dateDernierTraitementEtablissement": pa.array(block.treated).cast(pa.timestamp("us")),
        "nombrePeriodesEtablissement": pa.array(
            1 + np.minimum(block.random.geometric(0.45, len(block)), 12) - 1 * ~block.closed
        ),
    }


def _place(block: Block) -> Columns:
    """The commune, or the country where it is abroad."""
    ground, commune = block.ground, block.ground.commune[block.point]
    codes, names = zip(*ground.told, strict=True)
    country = block.random.integers(len(sirene_words.COUNTRIES), size=len(block))
    foreign = [
        chosen(part, country, block.abroad) for part in zip(*sirene_words.COUNTRIES, strict=True)
    ]
    cedex = ~block.abroad & (block.random.random(len(block)) < 0.01)
    return {
        "codeCommuneEtablissement": chosen(codes, block.place, ~block.abroad),
        "libelleCommuneEtablissement": chosen(names, block.place, ~block.abroad),
        "codePostalEtablissement": chosen(ground.postcodes.tolist(), commune, ~block.abroad),
        "codeCedexEtablissement": chosen(
            [f"{code[:4]}6" for code in ground.postcodes.tolist()], commune, cedex
        ),
        "libelleCedexEtablissement": chosen(
            [f"{name} CEDEX" for name in ground.names.tolist()], commune, cedex
        ),
        **dict(zip(ABROAD, foreign, strict=True)),
        **_second_address(
            block, commune, ~block.abroad & (block.random.random(len(block)) < 0.003)
        ),
    }


def _second_address(block: Block, commune: Integers, has: Flags) -> Columns:
    ground = block.ground
    street = block.random.integers(len(sirene_words.STREETS), size=len(block))
    return {
        "typeVoie2Etablissement": chosen(("RUE",), np.zeros(len(block), dtype=int), has),
        "libelleVoie2Etablissement": chosen(sirene_words.STREETS, street, has),
        "codePostal2Etablissement": chosen(ground.postcodes.tolist(), commune, has),
        "libelleCommune2Etablissement": chosen(ground.names.tolist(), commune, has),
        "codeCommune2Etablissement": chosen(ground.codes.tolist(), commune, has),
    }


def _address(block: Block) -> Columns:
    random, rows = block.random, len(block)
    share = random.random((6, rows))
    number = random.integers(1, 240, rows)
    type_shares = np.array(sirene_words.STREET_TYPE_SHARES) / sum(sirene_words.STREET_TYPE_SHARES)
    numbered, more = share[0] < 0.75, random.integers(len(sirene_words.COMPLEMENTS), size=rows)
    return {
        "complementAdresseEtablissement": chosen(sirene_words.COMPLEMENTS, more, share[1] < 0.14),
        "numeroVoieEtablissement": _where(pa.array(number).cast(pa.string()), numbered),
        "indiceRepetitionEtablissement": chosen(
            "BTQACD", random.integers(6, size=rows), numbered & (share[2] < 0.05)
        ),
        "dernierNumeroVoieEtablissement": _where(
            pa.array(number + 2).cast(pa.string()), numbered & (share[2] > 0.985)
        ),
        "indiceRepetitionDernierNumeroVoieEtablissement": chosen(
            "BT", random.integers(2, size=rows), numbered & (share[2] > 0.999)
        ),
        "typeVoieEtablissement": chosen(
            sirene_words.STREET_TYPES,
            random.choice(len(type_shares), rows, p=type_shares),
            share[3] < 0.93,
        ),
        "libelleVoieEtablissement": _texts(
            block, sirene_words.STREETS, sirene_words.AWKWARD_STREETS, share[3] < 0.96
        ),
        "distributionSpecialeEtablissement": chosen(
            [f"BP {number}" for number in range(1, 400)],
            random.integers(399, size=rows),
            share[4] < 0.02,
        ),
        **_coordinates(block, share[5]),
    }


def _coordinates(block: Block, share: NDArray[np.float64]) -> Columns:
    """Metres in the territory's own system, as text, where the address was found to the number."""
    ground = block.ground
    exact, found = (
        ~block.abroad & (share < COORDINATES),
        ~block.abroad & (share < COORDINATES + COARSE),
    )
    street = _digits(block.random.integers(10, 9999, len(block)), 4)
    home = chosen(ground.codes.tolist(), ground.commune[block.point])
    identifier = pc.binary_join_element_wise(home, street, chosen(("_C", "_B"), exact), "")
    x, y = (
        _where(pa.array(metres[block.point]).cast(pa.string()), exact)
        for metres in (ground.x, ground.y)
    )
    return {
        "identifiantAdresseEtablissement": _where(identifier, found),
        "coordonneeLambertAbscisseEtablissement": x,
        "coordonneeLambertOrdonneeEtablissement": y,
    }


def _names(block: Block) -> Columns:
    share = block.random.random(len(block))
    has = (share < 0.24, share < 0.03, share < 0.004, (share > 0.12) & (share < 0.32))
    return {
        name: _texts(block, sirene_words.SIGNS, sirene_words.AWKWARD, mask)
        for name, mask in zip(sirene_layout.NAMES, has, strict=True)
    }


def _people(block: Block) -> Columns:
    """The band of the head count with its year, which is two before the file's, and whether anybody
    is employed.
    """
    random, rows = block.random, len(block)
    share, shares = random.random((2, rows)), np.array(sirene_words.BAND_SHARES)
    known = share[0] < np.where(block.closed, BAND[True], BAND[False])
    band = random.choice(len(shares), rows, p=shares / shares.sum())
    told = known | (share[0] < np.where(block.closed, 0.9, 0.98))
    employs = np.where(block.closed, share[1] < 0.18, (known & (band > 0)) | (share[1] < 0.025))
    return {
        "trancheEffectifsEtablissement": chosen(
            (*sirene_words.BANDS, "NN"), np.where(known, band, len(shares)), told
        ),
        "anneeEffectifsEtablissement": pa.array(np.full(rows, block.month.year - 2), mask=~known),
        "caractereEmployeurEtablissement": chosen(("N", "O"), employs, share[1] < 0.99),
    }


def _activity(block: Block) -> Columns:
    lists = (
        sirene_words.ACTIVITIES,
        sirene_words.OLDER_ACTIVITIES,
        sirene_words.OLDER_ACTIVITIES,
        sirene_words.OLDEST_ACTIVITIES,
    )
    starts = np.cumsum([0, *map(len, lists[:-1])])
    of_2025 = [sirene_words.of_2025(code) for code in sirene_words.ACTIVITIES]
    crafts = block.random.integers(len(sirene_words.CRAFTS), size=len(block))
    return {
        "activitePrincipaleEtablissement": chosen(
            [code for codes in lists for code in codes], block.activity + starts[block.nomenclature]
        ),
        "nomenclatureActivitePrincipaleEtablissement": chosen(
            sirene_words.NOMENCLATURES, block.nomenclature
        ),
        "activitePrincipaleNAF25Etablissement": chosen(
            of_2025, np.where(block.nomenclature, 0, block.activity), ~block.closed
        ),
        "activitePrincipaleRegistreMetiersEtablissement": chosen(
            sirene_words.CRAFTS, crafts, block.random.random(len(block)) < 0.03
        ),
    }


def chosen(
    texts: Sequence[str], positions: NDArray[np.generic], has: Flags | None = None
) -> pa.Array:
    """The text at each position, null where there is none."""
    mask = None if has is None else ~has
    return pa.array(list(texts), pa.string()).take(pa.array(positions.astype(np.int32), mask=mask))


def _texts(block: Block, usual: Sequence[str], awkward: Sequence[str], has: Flags) -> pa.Array:
    """Texts of which a few are hard to read; each of these is at the beginning of the file, however
    small it is.
    """
    random, rows = block.random, len(block)
    odd = random.random(rows) < AWKWARD
    position = np.where(
        odd,
        len(usual) + random.integers(len(awkward), size=rows),
        random.integers(len(usual), size=rows),
    )
    if block.number == 0:
        first = np.flatnonzero(has & ~block.partial)[: len(awkward)]
        position[first] = len(usual) + np.arange(len(first))
    return chosen((*usual, *awkward), position, has)


def _digits(numbers: Integers, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def _where(texts: pa.Array, has: Flags) -> pa.Array:
    return pc.if_else(pa.array(has), texts, pa.scalar(None, pa.string()))


def _masked(texts: pa.Array, hidden: Flags) -> pa.Array:
    return pc.if_else(pa.array(hidden), sirene_layout.PARTIAL_MASK, texts)
