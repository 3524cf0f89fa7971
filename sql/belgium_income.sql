-- reads: shapes, series, series_of_2025
-- makes: municipal_income, municipal_income_2025, parts, figures_of_2013
-- settings: none

CREATE TABLE municipal_income AS
SELECT municipality_code, year::integer AS year, municipality_name_nl, municipality_name_fr,
       declarations, declarations_without_income, net_taxable_income, net_income,
       real_estate_income, state_taxes, municipal_taxes, taxes, residents,
       (net_taxable_income / nullif(declarations, 0))::numeric(14, 2) AS mean_income
  FROM series
 ORDER BY municipality_code, year;

-- The series once more on the municipalities of 2025; what merged in 2019 or 2025 is added up, and
-- is not known where a figure of one of them is not.
CREATE TABLE municipal_income_2025 AS
SELECT municipality_code, year::integer AS year, count(*)::integer AS municipalities_of_2011,
       geodata.whole_sum(declarations)::bigint AS declarations,
       geodata.whole_sum(declarations_without_income)::bigint AS declarations_without_income,
       geodata.whole_sum(net_taxable_income) AS net_taxable_income,
       geodata.whole_sum(net_income) AS net_income,
       geodata.whole_sum(real_estate_income) AS real_estate_income,
       geodata.whole_sum(state_taxes) AS state_taxes,
       geodata.whole_sum(municipal_taxes) AS municipal_taxes,
       geodata.whole_sum(taxes) AS taxes, geodata.whole_sum(residents)::bigint AS residents,
       (geodata.whole_sum(net_taxable_income)
        / nullif(geodata.whole_sum(declarations), 0))::numeric(14, 2) AS mean_income,
       min(code_change) AS code_change
  FROM series_of_2025
 GROUP BY municipality_code, year
 ORDER BY municipality_code, year;

-- The areas are dissolved from these parts; the figures of the last year are added to them.
CREATE TABLE parts AS
SELECT municipality_code, round((ST_Area(geom) / 1e6)::numeric, 6) AS area_km2, geom
  FROM shapes
 ORDER BY municipality_code;

CREATE TABLE figures_of_2013 AS
SELECT municipality_code, municipality_name_nl, municipality_name_fr,
       declarations, net_taxable_income, mean_income, residents
  FROM municipal_income
 WHERE year = 2013
 ORDER BY municipality_code;

COMMENT ON TABLE parts
    IS 'Municipalities of Belgium on 1 January 2011, with the incomes declared for 2013';
COMMENT ON COLUMN parts.area_km2 IS 'Area in Belgian Lambert 72, after cleaning'
    ' [unit: km²; aggregate: sum; from: be-sectors geometry]';

COMMENT ON TABLE municipal_income
    IS 'Fiscal income of each municipality of 2011 and year, as released in 2015';
COMMENT ON COLUMN municipal_income.mean_income IS 'Net taxable income for each declaration'
    ' [unit: EUR/declaration; aggregate: ratio net_taxable_income / declarations; from: computed]';
SELECT geodata.copy_comments('series', 'municipal_income');

COMMENT ON TABLE municipal_income_2025
    IS 'Fiscal income of each municipality of 2025 and year, summed from those of 2011';
COMMENT ON COLUMN municipal_income_2025.municipality_code
    IS 'NIS code of the municipality of 2025, as in belgium.municipalities'
    ' [unit: code; aggregate: key; from: be-municipal-income.CD_MUNTY_REFNIS]';
COMMENT ON COLUMN municipal_income_2025.municipalities_of_2011
    IS 'How many municipalities of 2011 it is made of'
    ' [unit: municipalities; aggregate: sum; from: computed]';
COMMENT ON COLUMN municipal_income_2025.code_change
    IS 'Changes of codes over which the figures were carried'
    ' [unit: words; aggregate: none; from: ledger of code events]';

COMMENT ON COLUMN figures_of_2013.declarations IS 'Declarations with an income, 2013'
    ' [unit: declarations; aggregate: sum; from: be-municipal-income.MS_NBR_NON_ZERO_INC]';
COMMENT ON COLUMN figures_of_2013.net_taxable_income IS 'Total net taxable income, 2013'
    ' [unit: EUR; aggregate: sum; from: be-municipal-income.MS_TOT_NET_TAXABLE_INC]';
COMMENT ON COLUMN figures_of_2013.mean_income IS 'Net taxable income for each declaration, 2013'
    ' [unit: EUR/declaration; aggregate: ratio net_taxable_income / declarations; from: computed]';
COMMENT ON COLUMN figures_of_2013.residents IS 'Residents, 2013'
    ' [unit: persons; aggregate: sum; from: be-municipal-income.MS_TOT_RESIDENTS]';
