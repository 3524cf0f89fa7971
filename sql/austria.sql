-- reads: shapes, district_shapes, population, sexes, municipality_codes, employment
-- makes: municipalities, population_by_age
-- settings: geodata.vintage (year of the borders and of the residents)

-- Residents by single year of age. The code GALTEJ112-1 is age 0, -100 is age 99; GALT5J100-21 is
-- 100 years and over. Residents of municipalities that have merged since stand under one code and
-- are added up.
CREATE TEMPORARY VIEW aged AS
SELECT municipality_code, sex_code, population,
       CASE age_code WHEN 'GALT5J100-21' THEN 100
                     ELSE substring(age_code FROM '^GALTEJ112-(\d+)$')::integer - 1 END AS age
  FROM population;

CREATE TABLE population_by_age AS
SELECT a.municipality_code, a.sex_code, s.label AS sex_name_de, s.label_en AS sex_name_en, a.age,
       sum(a.population)::bigint AS population
  FROM aged a
  JOIN sexes s ON s.code = a.sex_code
 GROUP BY a.municipality_code, a.sex_code, s.label, s.label_en, a.age
 ORDER BY a.municipality_code, a.sex_code, a.age;

-- The district comes from the publisher's list of municipalities, the state from the district: its
-- first digit, as Statistik Austria defines it. Shares and rates of municipalities that have merged
-- are weighted by what they are shares of; where that is not published they are left out.
CREATE TABLE municipalities AS
SELECT m.municipality_code, m.municipality_name,
       c.district_code, d.district_name,
       w.state_code, w.state_name,
       p.population, p.male, p.female, p.age_0_to_14, p.age_15_to_29, p.age_30_to_44,
       p.age_45_to_64, p.age_65_to_79, p.age_80_and_over,
       e.residents AS employment_residents,
       CASE WHEN e.municipality_code IS NULL THEN 'no figures under this code'
       END AS employment_residents_reason,
       e.foreign_share, e.employment_rate, e.unemployment_rate, e.secondary_education_share,
       e.tertiary_education_share, e.commuter_share, e.households, e.household_size, e.families,
       e.enterprises, e.workplaces, e.employees,
       e.missing,
       e.code_change AS employment_code_change,
       m.code_change,
       m.geom
  FROM shapes m
  LEFT JOIN (SELECT code AS municipality_code, right(parent, 3) AS district_code
               FROM municipality_codes) AS c USING (municipality_code)
  LEFT JOIN district_shapes d USING (district_code)
  LEFT JOIN (VALUES ('1', 'Burgenland'), ('2', 'Kärnten'), ('3', 'Niederösterreich'),
                    ('4', 'Oberösterreich'), ('5', 'Salzburg'), ('6', 'Steiermark'),
                    ('7', 'Tirol'), ('8', 'Vorarlberg'), ('9', 'Wien'))
         AS w (state_code, state_name)
         ON w.state_code = left(c.district_code, 1)
  LEFT JOIN (SELECT municipality_code, sum(population)::bigint AS population,
                    sum(population * (sex_code = 'C11-1')::integer)::bigint AS male,
                    sum(population * (sex_code = 'C11-2')::integer)::bigint AS female,
                    sum(population * (age < 15)::integer)::bigint AS age_0_to_14,
                    sum(population * (age BETWEEN 15 AND 29)::integer)::bigint AS age_15_to_29,
                    sum(population * (age BETWEEN 30 AND 44)::integer)::bigint AS age_30_to_44,
                    sum(population * (age BETWEEN 45 AND 64)::integer)::bigint AS age_45_to_64,
                    sum(population * (age BETWEEN 65 AND 79)::integer)::bigint AS age_65_to_79,
                    sum(population * (age >= 80)::integer)::bigint AS age_80_and_over
               FROM aged GROUP BY municipality_code
             HAVING count(*) = count(population)) AS p USING (municipality_code)
  LEFT JOIN (SELECT municipality_code, geodata.whole_sum(residents)::bigint AS residents,
                    (geodata.whole_sum(foreign_share * residents)
                     / nullif(sum(residents), 0))::numeric(5, 1) AS foreign_share,
                    CASE WHEN count(*) = 1 THEN min(employment_rate) END AS employment_rate,
                    CASE WHEN count(*) = 1 THEN min(unemployment_rate) END AS unemployment_rate,
                    CASE WHEN count(*) = 1 THEN min(secondary_education_share)
                    END AS secondary_education_share,
                    CASE WHEN count(*) = 1 THEN min(tertiary_education_share)
                    END AS tertiary_education_share,
                    CASE WHEN count(*) = 1 THEN min(commuter_share) END AS commuter_share,
                    geodata.whole_sum(households)::bigint AS households,
                    (geodata.whole_sum(household_size * households)
                     / nullif(sum(households), 0))::numeric(5, 2) AS household_size,
                    geodata.whole_sum(families)::bigint AS families,
                    geodata.whole_sum(enterprises)::bigint AS enterprises,
                    geodata.whole_sum(workplaces)::bigint AS workplaces,
                    geodata.whole_sum(employees)::bigint AS employees,
                    string_agg(DISTINCT missing, '; ') AS missing, min(code_change) AS code_change
               FROM employment GROUP BY municipality_code) AS e USING (municipality_code)
 ORDER BY m.municipality_code;
DROP VIEW aged;

-- Computed from the border whenever that changes, so also after the cleaning.
ALTER TABLE municipalities
  ADD COLUMN area_km2 numeric
      GENERATED ALWAYS AS (round((ST_Area(geom) / 1e6)::numeric, 6)) STORED,
  ADD COLUMN density numeric(12, 2)
      GENERATED ALWAYS AS ((population / nullif(round((ST_Area(geom) / 1e6)::numeric, 6), 0)
                           )::numeric(12, 2)) STORED;

COMMENT ON TABLE municipalities
    IS 'Municipalities (Gemeinden) of Austria, Vienna by its 23 districts, with residents and'
    ' employment';
COMMENT ON COLUMN municipalities.district_code
    IS 'Code of the political district (Politischer Bezirk)'
    ' [unit: code; aggregate: same; from: at-population-municipalities]';
COMMENT ON COLUMN municipalities.state_code
    IS 'Code of the federal state (Bundesland), the first digit of the district'
    ' [unit: code; aggregate: same; from: at-population-municipalities]';
COMMENT ON COLUMN municipalities.state_name IS 'Name of the federal state'
    ' [unit: name; aggregate: same; from: at-population-municipalities]';
COMMENT ON COLUMN municipalities.male IS 'Male residents'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.female IS 'Female residents'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.age_0_to_14 IS 'Residents below 15 years'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.age_15_to_29 IS 'Residents of 15 to 29 years'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.age_30_to_44 IS 'Residents of 30 to 44 years'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.age_45_to_64 IS 'Residents of 45 to 64 years'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.age_65_to_79 IS 'Residents of 65 to 79 years'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.age_80_and_over IS 'Residents of 80 years and over'
    ' [unit: persons; aggregate: sum; from: at-population.F-ISIS-1]';
COMMENT ON COLUMN municipalities.employment_residents
    IS 'Residents on 31 October of the year of the employment figures'
    ' [unit: persons; aggregate: sum; from: at-employment.BEV_ABSOLUT]';
COMMENT ON COLUMN municipalities.employment_residents_reason
    IS 'Why there are no figures of employment'
    ' [unit: reason; aggregate: none; from: computed]';
COMMENT ON COLUMN municipalities.employment_code_change
    IS 'Change of codes over which the employment figures were carried'
    ' [unit: words; aggregate: none; from: ledger of code events]';
COMMENT ON COLUMN municipalities.code_change
    IS 'Change of codes over which the border was carried'
    ' [unit: words; aggregate: none; from: ledger of code events]';
COMMENT ON COLUMN municipalities.area_km2 IS 'Area in Austria Lambert, after cleaning'
    ' [unit: km²; aggregate: sum; from: at-municipalities geometry]';
COMMENT ON COLUMN municipalities.density IS 'Residents for each km²'
    ' [unit: persons/km²; aggregate: ratio population / area_km2; from: computed]';

COMMENT ON TABLE population_by_age
    IS 'Residents of each municipality of Austria on 1 January by sex and single year of age;'
    ' nobody where there is no row';
COMMENT ON COLUMN population_by_age.sex_name_de IS 'Sex in German'
    ' [unit: name; aggregate: same; from: at-population-sexes.name]';
COMMENT ON COLUMN population_by_age.sex_name_en IS 'Sex in English'
    ' [unit: name; aggregate: same; from: at-population-sexes.en_name]';
COMMENT ON COLUMN population_by_age.age IS 'Age in years; 100 is 100 and over'
    ' [unit: years; aggregate: key; from: at-population.C-GALTEJ112-0]';
SELECT geodata.copy_comments('population', 'population_by_age');
-- A mean of shares, weighted by what they are shares of, is the share of the whole.
SELECT geodata.copy_comments('shapes', 'municipalities');
SELECT geodata.copy_comments('employment', 'municipalities');
