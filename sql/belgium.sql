-- reads: shapes, population, income, municipal_income
-- makes: sectors, of_municipalities
-- settings: geodata.vintage (year of the borders and of the residents; incomes are two years older),
--           geodata.income_coverage (least share of a municipality's sectors that incomes are of)

-- Sectors without inhabitants are absent from the population file: they have 0 residents. A sector
-- that the file lists without a figure keeps none. Incomes hidden by the publisher keep the reason
-- beside them.
-- Incomes are on the sectors of their own year. Where fewer of a municipality's inhabited sectors
-- than the declared share are among them, its sectors were drawn anew: a code that survives may have
-- other borders, and none of them carries an income.
CREATE TEMPORARY VIEW coverage AS
SELECT s.municipality_code,
       count(i.sector_code)::numeric / count(*)
       < current_setting('geodata.income_coverage')::numeric AS drawn_anew
  FROM shapes s
  JOIN population p USING (sector_code)
  LEFT JOIN income i USING (sector_code)
 WHERE p.population > 0
 GROUP BY s.municipality_code;

CREATE TABLE sectors AS
SELECT s.sector_code,
       s.sector_name_nl, s.sector_name_fr, s.sector_name_de,
       s.municipality_code,
       s.municipality_name_nl, s.municipality_name_fr, s.municipality_name_de,
       s.arrondissement_code,
       s.arrondissement_name_nl, s.arrondissement_name_fr, s.arrondissement_name_de,
       s.province_code, s.province_name_nl, s.province_name_fr, s.province_name_de,
       s.region_code, s.region_name_nl, s.region_name_fr, s.region_name_de,
       CASE WHEN p.sector_code IS NULL THEN 0 ELSE p.population END AS population,
       area.km2 AS area_km2,
       (p.population / nullif(area.km2, 0))::numeric(12, 2) AS density,
       i.declarations,
       CASE WHEN c.drawn_anew THEN 'sectors drawn anew'
            WHEN i.sector_code IS NULL THEN 'absent' ELSE i.declarations_reason
       END AS declarations_reason,
       i.net_taxable_income,
       CASE WHEN c.drawn_anew THEN 'sectors drawn anew'
            WHEN i.sector_code IS NULL THEN 'absent' ELSE i.net_taxable_income_reason
       END AS net_taxable_income_reason,
       (i.net_taxable_income / nullif(i.declarations, 0))::numeric(14, 2) AS mean_income,
       i.median_income,
       CASE WHEN c.drawn_anew THEN 'sectors drawn anew'
            WHEN i.sector_code IS NULL THEN 'absent' ELSE i.median_income_reason
       END AS median_income_reason,
       s.geom
  FROM shapes s
 CROSS JOIN LATERAL (SELECT round((ST_Area(s.geom) / 1e6)::numeric, 6) AS km2) AS area
  LEFT JOIN population p USING (sector_code)
  LEFT JOIN coverage c ON c.municipality_code = s.municipality_code
  LEFT JOIN income i ON i.sector_code = s.sector_code AND c.drawn_anew IS NOT TRUE
 ORDER BY s.sector_code;
DROP VIEW coverage;

-- What is known of municipalities only: residents whom Statbel cannot place in a sector (code ZZZZ),
-- and all incomes, those of municipalities merged since added up.
CREATE TABLE of_municipalities AS
SELECT s.municipality_code, coalesce(u.population, 0) AS population,
       coalesce(u.population, 0) AS unlocated_population,
       i.declarations, i.net_taxable_income,
       (i.net_taxable_income / nullif(i.declarations, 0))::numeric(14, 2) AS mean_income,
       i.code_change AS income_code_change
  FROM (SELECT DISTINCT municipality_code FROM shapes) AS s
  LEFT JOIN (SELECT municipality_code, sum(population)::bigint AS population
               FROM population
              WHERE sector_code LIKE '%ZZZZ'
              GROUP BY municipality_code) AS u USING (municipality_code)
  LEFT JOIN (SELECT municipality_code, geodata.whole_sum(declarations)::bigint AS declarations,
                    geodata.whole_sum(net_taxable_income)::numeric(18, 2) AS net_taxable_income,
                    min(code_change) AS code_change
               FROM municipal_income
              GROUP BY municipality_code) AS i USING (municipality_code)
 ORDER BY s.municipality_code;
SELECT geodata.copy_comments('municipal_income', 'of_municipalities');

COMMENT ON TABLE sectors IS 'Statistical sectors of Belgium, the smallest areas of its statistics,'
    ' with residents and declared income';
COMMENT ON COLUMN sectors.area_km2 IS 'Area in Belgian Lambert 72, after cleaning'
    ' [unit: km²; aggregate: sum; from: be-sectors geometry]';
COMMENT ON COLUMN sectors.density IS 'Residents for each km²'
    ' [unit: persons/km²; aggregate: ratio population / area_km2; from: computed]';
COMMENT ON COLUMN sectors.mean_income
    IS 'Net taxable income for each declaration, where the sector''s income is known'
    ' [unit: EUR/declaration; aggregate: none; from: computed]';
COMMENT ON COLUMN sectors.declarations_reason
    IS 'Why declarations is empty: suppressed or absent, or the sectors were drawn anew'
    ' [unit: reason; aggregate: none; from: be-income]';
COMMENT ON COLUMN sectors.net_taxable_income_reason
    IS 'Why net_taxable_income is empty: suppressed or absent, or the sectors were drawn anew'
    ' [unit: reason; aggregate: none; from: be-income]';
COMMENT ON COLUMN sectors.median_income_reason
    IS 'Why median_income is empty: suppressed or absent, or the sectors were drawn anew'
    ' [unit: reason; aggregate: none; from: be-income]';
COMMENT ON COLUMN of_municipalities.unlocated_population
    IS 'Residents whom Statbel cannot place in a sector; included in population'
    ' [unit: persons; aggregate: sum; from: be-population.TOTAL]';
COMMENT ON COLUMN of_municipalities.mean_income
    IS 'Net taxable income for each declaration, of all declarations of the municipality'
    ' [unit: EUR/declaration; aggregate: ratio net_taxable_income / declarations; from: computed]';
COMMENT ON COLUMN of_municipalities.income_code_change
    IS 'Changes of codes over which the incomes were carried'
    ' [unit: words; aggregate: none; from: ledger of code events]';
