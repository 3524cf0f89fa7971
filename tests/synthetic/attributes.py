"""The attribute tables of the sector files, under the column names of each release."""

from __future__ import annotations

from typing import Any

from synthetic.country import LETTERS, SIDES, Country, Sector

LANGUAGES = ("nl", "fr", "de")


def published(country: Country, vintage: int) -> list[dict[str, Any]]:
    """One row a sector with the 31 columns of the GeoJSON and SQLite files since 2022, in their
    order.
    """
    return [_row(sector, vintage) for sector in country.at(vintage)]


def shapefile_columns(rows: list[dict[str, Any]], vintage: int) -> dict[str, list[Any]]:
    """The same under the names of the Shapefiles of 2018 to 2021: those of Statbel's readme, cut to
    ten characters.

    The Shapefile of 2020 calls the areas above the municipality C_ARRD, C_PROVI, C_REGIO and NUTS1
    to 3.
    """
    plain = vintage == 2020
    names = {
        "cd_sector": f"CS0101{vintage}",
        **{f"tx_sector_descr_{language}": f"T_SEC_{language.upper()}" for language in LANGUAGES},
        "nis7": "C_NIS7",
        "cd_sub_munty": "C_NIS6",
        "tx_sub_munty_nl": "T_NIS6_NL",
        "tx_sub_munty_fr": "T_NIS6_FR",
        "tx_munty_dstr": "MUN_DISTR",
        "cd_munty_refnis": f"CNIS5_{vintage}",
        **{f"tx_munty_descr_{language}": f"T_MUN_{language.upper()}" for language in LANGUAGES},
        "cd_dstr_refnis": "C_ARRD" if plain else "CNIS_ARRD_",
        **{f"tx_adm_dstr_descr_{language}": f"T_ARRD_{language.upper()}" for language in LANGUAGES},
        "cd_prov_refnis": "C_PROVI" if plain else "CNIS_PROVI",
        **{f"tx_prov_descr_{language}": f"T_PROVI_{language.upper()}" for language in LANGUAGES},
        "cd_rgn_refnis": "C_REGIO" if plain else "CNIS_REGIO",
        **{f"tx_rgn_descr_{language}": f"T_REGIO_{language.upper()}" for language in LANGUAGES},
        "cd_country": "C_COUNTRY",
        **{
            f"cd_nuts_lvl{level}": (
                f"NUTS{level}" if plain else f"NUTS{level}_{2021 if vintage == 2021 else 2016}"
            )
            for level in (1, 2, 3)
        },
        "ms_area_ha": "M_AREA_HA",
        "ms_perimeter_m": "M_PERI_M",
    }
    return {
        name: [row["cd_sector"][:7] if column == "nis7" else row[column] for row in rows]
        for column, name in names.items()
    }


def columns_2011(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The same as the SQLite file of 2011 has it: no district, no date, no German names."""
    kept = [
        name
        for name in rows[0]
        if not name.endswith("_de") and name not in ("tx_munty_dstr", "dt_situation")
    ]
    return {name: [row[name] for row in rows] for name in kept}


def _row(sector: Sector, vintage: int) -> dict[str, Any]:
    areas, code = sector.areas_at(vintage), sector.code_at(vintage)
    side = SIDES[(LETTERS + "X").index(code[5]) % len(SIDES)]
    dutch, french, _ = areas.municipality_names
    return {
        "cd_sector": code,
        **_in_languages("tx_sector_descr", sector.names),
        "cd_sub_munty": code[:6],
        "tx_sub_munty_nl": dutch.upper() + side[0],
        "tx_sub_munty_fr": french.upper() + side[1],
        "tx_munty_dstr": "ANTWERPEN" if areas.municipality == "11002" else None,
        "cd_munty_refnis": areas.municipality,
        **_in_languages("tx_munty_descr", areas.municipality_names),
        "cd_dstr_refnis": areas.arrondissement,
        **_in_languages("tx_adm_dstr_descr", areas.arrondissement_names),
        "cd_prov_refnis": areas.province,
        **_in_languages("tx_prov_descr", areas.province_names),
        "cd_rgn_refnis": areas.region,
        **_in_languages("tx_rgn_descr", areas.region_names),
        "cd_country": "BE",
        **{f"cd_nuts_lvl{level}": code for level, code in enumerate(areas.nuts, 1)},
        "ms_area_ha": sector.area,
        "ms_perimeter_m": sector.perimeter,
        "dt_situation": f"{vintage}-01-01",
    }


def _in_languages(
    stem: str, names: tuple[str | None, str | None, str | None]
) -> dict[str, str | None]:
    return {f"{stem}_{language}": name for language, name in zip(LANGUAGES, names, strict=True)}
