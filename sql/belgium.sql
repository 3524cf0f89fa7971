-- reads: shapes, population, income
-- makes: sectors, unlocated
-- settings: geodata.vintage (year of the borders and of the residents; incomes are two years older)

-- Sectors without inhabitants are absent from the population file: they have 0 residents. A sector
-- that the file lists without a figure keeps none. Incomes hidden by the publisher keep the reason
-- beside them.
-- Incomes are on the sectors of their own year. Where fewer than nine in ten inhabited sectors of a
-- municipality are among them, its sectors were drawn anew: a code that survives may have other
-- borders, and none of them carries an income.
CREATE TEMPORARY VIEW coverage AS
SELECT s.municipality_code, count(i.sector_code)::numeric / count(*) AS share
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
       CASE WHEN c.share < 0.9 THEN 'sectors drawn anew'
            WHEN i.sector_code IS NULL THEN 'absent' ELSE i.declarations_reason
       END AS declarations_reason,
       i.net_taxable_income,
       CASE WHEN c.share < 0.9 THEN 'sectors drawn anew'
            WHEN i.sector_code IS NULL THEN 'absent' ELSE i.net_taxable_income_reason
       END AS net_taxable_income_reason,
       CASE WHEN i.net_taxable_income IS NOT NULL THEN i.declarations END AS declarations_known,
       (i.net_taxable_income / nullif(i.declarations, 0))::numeric(14, 2) AS mean_income,
       i.median_income,
       CASE WHEN c.share < 0.9 THEN 'sectors drawn anew'
            WHEN i.sector_code IS NULL THEN 'absent' ELSE i.median_income_reason
       END AS median_income_reason,
       s.geom
  FROM shapes s
 CROSS JOIN LATERAL (SELECT round((ST_Area(s.geom) / 1e6)::numeric, 6) AS km2) AS area
  LEFT JOIN population p USING (sector_code)
  LEFT JOIN coverage c ON c.municipality_code = s.municipality_code
  LEFT JOIN income i ON i.sector_code = s.sector_code AND coalesce(c.share, 1) >= 0.9
 ORDER BY s.sector_code;
DROP VIEW coverage;

-- Residents whom Statbel cannot place in a sector (code ZZZZ) are counted at their municipality.
CREATE TABLE unlocated AS
SELECT municipality_code, sum(population)::bigint AS population,
       sum(population)::bigint AS unlocated_population
  FROM population
 WHERE sector_code LIKE '%ZZZZ'
 GROUP BY municipality_code;

COMMENT ON TABLE sectors IS 'Statistical sectors of Belgium, the smallest areas of its statistics,'
    ' with residents and declared income';
COMMENT ON COLUMN sectors.area_km2 IS 'Area in Belgian Lambert 72, after cleaning'
    ' [unit: km²; aggregate: sum; from: be-sectors geometry]';
COMMENT ON COLUMN sectors.density IS 'Residents for each km²'
    ' [unit: persons/km²; aggregate: ratio population / area_km2; from: computed]';
COMMENT ON COLUMN sectors.declarations_known
    IS 'Declarations of the sectors whose net_taxable_income is known'
    ' [unit: declarations; aggregate: sum; from: be-income.MS_NBR_NON_ZERO_INC]';
COMMENT ON COLUMN sectors.mean_income
    IS 'Net taxable income for each declaration, of the sectors where it is known'
    ' [unit: EUR/declaration; aggregate: ratio net_taxable_income / declarations;'
    ' from: computed]';
COMMENT ON COLUMN unlocated.unlocated_population
    IS 'Residents whom Statbel cannot place in a sector; included in population'
    ' [unit: persons; aggregate: sum; from: be-population.TOTAL]';
