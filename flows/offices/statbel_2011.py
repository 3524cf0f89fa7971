"""Statbel: what was released once, on the municipalities of 2011."""

from dataclasses import replace
from datetime import date

from flows.offices.statbel import FILES, PAGES, borders_read, of_municipalities, packed, piped
from flows.offices.statbel_columns import MUNICIPAL_INCOME, MUNICIPALITIES_2011
from tasks.nouns import Rows, Source, Total

MUNICIPALITIES_OF_2011 = 589


def sectors() -> Source:
    """Give the borders of the sectors in the last year of the income series' 589 municipalities."""
    reads = replace(borders_read(MUNICIPALITIES_2011), crs_missing=True)
    return replace(
        packed("be-sectors", 2011, "Statistical sectors 2011", reads),
        urls=(f"{FILES}/Statistische%20sectoren/sh_statbel_spatialite.zip",),
        member="*.sqlite",
        landing_page=f"{PAGES}/statistical-sectors-2011",
        released="once",
        confidence="medium",
        distinct={"municipality_code": MUNICIPALITIES_OF_2011},
    )


def municipal_income() -> Source:
    """Give incomes of each municipality of 2011 from 2005 to 2013, as released in 2015."""
    reads = piped(MUNICIPAL_INCOME, "municipality_code", "year")
    return replace(
        of_municipalities(2011, "2005 to 2013, release of 2015", 2013, reads),
        codes_of=date(2011, 1, 1),
        urls=("https://statbel.fgov.be/nl/binaries/TF_PSNL_INC_TAX_MUNTY_tcm325-272513.zip",),
        released="once; no longer offered",
        confidence="low",
        rows=Rows.exactly(5_301),
        distinct={"municipality_code": MUNICIPALITIES_OF_2011, "year": 9},
        totals={
            "residents": Total(expected=11_150_516),
            "net_taxable_income": Total(expected=189_767_698_458.80),
        },
    )
