-- reads: shapes, estimates
-- makes: county_population
-- settings: geodata.vintage (year of the estimates and of the borders)

-- Estimates of counties that are one county on the day of the borders stand under its code and are
-- added up.
CREATE TABLE county_population AS
SELECT s.geoid, s.county_name, s.state_code,
       max(e.state_name) OVER (PARTITION BY s.state_code) AS state_name,
       d.division_code, d.division_name, d.region_code, d.region_name,
       e.population, e.births, e.deaths,
       round(s.land_m2 / 1e6, 6) AS land_km2,
       CASE WHEN e.population IS NOT NULL THEN round(s.land_m2 / 1e6, 6) END AS estimated_land_km2,
       (e.population / nullif(s.land_m2 / 1e6, 0))::numeric(12, 2) AS density,
       CASE WHEN e.geoid IS NOT NULL THEN NULL
            WHEN d.state_code IS NULL
            THEN 'Puerto Rico and the island areas are not in these estimates'
            ELSE 'no estimate under this code' END AS population_reason,
       e.code_change,
       s.geom
  FROM shapes s
  LEFT JOIN geodata.us_divisions() d USING (state_code)
  LEFT JOIN (SELECT geoid, min(state_name) AS state_name,
                    geodata.whole_sum(population)::bigint AS population,
                    geodata.whole_sum(births)::bigint AS births,
                    geodata.whole_sum(deaths)::bigint AS deaths,
                    min(code_change) AS code_change
               FROM estimates GROUP BY geoid) AS e USING (geoid)
 ORDER BY s.geoid;

COMMENT ON TABLE county_population
    IS 'Counties of the United States and what is equivalent to them, with the residents of 1 July';
COMMENT ON COLUMN county_population.division_code
    IS 'Code of the census division; empty outside of the 50 states and the District of Columbia'
    ' [unit: code; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN county_population.division_name IS 'Name of the census division'
    ' [unit: name; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN county_population.region_code IS 'Code of the census region'
    ' [unit: code; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN county_population.region_name IS 'Name of the census region'
    ' [unit: name; aggregate: same; from: Census Bureau, regions and divisions]';
COMMENT ON COLUMN county_population.land_km2 IS 'Area of land, as published'
    ' [unit: km²; aggregate: sum; from: us-counties.ALAND]';
COMMENT ON COLUMN county_population.estimated_land_km2
    IS 'Area of land of the counties that have an estimate'
    ' [unit: km²; aggregate: sum; from: us-counties.ALAND]';
COMMENT ON COLUMN county_population.density IS 'Residents for each km² of land'
    ' [unit: persons/km²; aggregate: ratio population / land_km2; from: computed]';
COMMENT ON COLUMN county_population.population_reason
    IS 'Why the county has no estimate; empty where it has'
    ' [unit: reason; aggregate: none; from: computed]';
COMMENT ON COLUMN county_population.code_change
    IS 'Change of codes over which the estimate was carried'
    ' [unit: words; aggregate: none; from: ledger of code events]';
