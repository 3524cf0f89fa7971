-- reads: shapes, income
-- makes: county_income
-- settings: geodata.vintage (last of the five years of the survey)

-- Households of counties that became one are added up, their margins of error by the root of the summed squares; all else is no sum.
CREATE TABLE county_income AS
SELECT s.geoid, s.county_name, s.state_code, h.households, h.households_moe,
       i.median_income, i.median_income_moe, i.mean_income, i.mean_income_moe,
       i.under_10k_share, i.under_10k_share_moe, i.from_10k_share, i.from_10k_share_moe, i.from_15k_share, i.from_15k_share_moe,
       i.from_25k_share, i.from_25k_share_moe, i.from_35k_share, i.from_35k_share_moe, i.from_50k_share, i.from_50k_share_moe,
       i.from_75k_share, i.from_75k_share_moe, i.from_100k_share, i.from_100k_share_moe, i.from_150k_share, i.from_150k_share_moe,
       i.from_200k_share, i.from_200k_share_moe,
       CASE WHEN h.geoid IS NULL THEN 'no figures under this code'
            WHEN h.published > 1 THEN concat_ws('; ', 'medians, means and shares: not those of counties that became one', h.income_reasons)
            ELSE h.income_reasons END AS income_reasons,
       h.code_change,
       s.geom
  FROM shapes s
  LEFT JOIN (SELECT geoid, count(*) AS published, geodata.whole_sum(households)::bigint AS households,
                    round(sqrt(geodata.whole_sum(households_moe::numeric * households_moe::numeric)))::bigint AS households_moe,
                    string_agg(income_reasons, '; ' ORDER BY published_code) AS income_reasons, min(code_change) AS code_change
               FROM income GROUP BY geoid) AS h USING (geoid)
  LEFT JOIN income i ON i.geoid = s.geoid AND h.published = 1
 ORDER BY s.geoid;

COMMENT ON TABLE county_income IS 'Counties of the United States with the income of their households in the five years of the survey, in dollars of the last year';
COMMENT ON COLUMN county_income.geoid IS 'FIPS code of the county, five digits [unit: code; aggregate: key; from: us-counties.GEOID]';
COMMENT ON COLUMN county_income.county_name IS 'Name; not unique, cities may have the name of their county [unit: name; aggregate: same; from: us-counties.NAMELSAD]';
COMMENT ON COLUMN county_income.state_code IS 'FIPS code of the state [unit: code; aggregate: same; from: us-counties.STATEFP]';
COMMENT ON COLUMN county_income.households IS 'Households [unit: households; aggregate: sum; from: us-s1901.S1901_C01_001E]';
COMMENT ON COLUMN county_income.households_moe IS 'Households, margin of error (90 percent) [unit: households; aggregate: root of squares; from: us-s1901.S1901_C01_001M]';
COMMENT ON COLUMN county_income.median_income IS 'Median income of households in twelve months; medians are never aggregated [unit: USD/household; aggregate: none; from: us-s1901.S1901_C01_012E]';
COMMENT ON COLUMN county_income.median_income_moe IS 'Median income, margin of error [unit: USD/household; aggregate: none; from: us-s1901.S1901_C01_012M]';
COMMENT ON COLUMN county_income.mean_income IS 'Mean income of households in twelve months [unit: USD/household; aggregate: mean by households; from: us-s1901.S1901_C01_013E]';
COMMENT ON COLUMN county_income.mean_income_moe IS 'Mean income, margin of error [unit: USD/household; aggregate: none; from: us-s1901.S1901_C01_013M]';
COMMENT ON COLUMN county_income.under_10k_share IS 'Share of households with an income below 10,000 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_002E]';
COMMENT ON COLUMN county_income.under_10k_share_moe IS 'Share of households with an income below 10,000 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_002M]';
COMMENT ON COLUMN county_income.from_10k_share IS 'Share of households with an income of 10,000 to 14,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_003E]';
COMMENT ON COLUMN county_income.from_10k_share_moe IS 'Share of households with an income of 10,000 to 14,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_003M]';
COMMENT ON COLUMN county_income.from_15k_share IS 'Share of households with an income of 15,000 to 24,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_004E]';
COMMENT ON COLUMN county_income.from_15k_share_moe IS 'Share of households with an income of 15,000 to 24,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_004M]';
COMMENT ON COLUMN county_income.from_25k_share IS 'Share of households with an income of 25,000 to 34,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_005E]';
COMMENT ON COLUMN county_income.from_25k_share_moe IS 'Share of households with an income of 25,000 to 34,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_005M]';
COMMENT ON COLUMN county_income.from_35k_share IS 'Share of households with an income of 35,000 to 49,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_006E]';
COMMENT ON COLUMN county_income.from_35k_share_moe IS 'Share of households with an income of 35,000 to 49,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_006M]';
COMMENT ON COLUMN county_income.from_50k_share IS 'Share of households with an income of 50,000 to 74,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_007E]';
COMMENT ON COLUMN county_income.from_50k_share_moe IS 'Share of households with an income of 50,000 to 74,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_007M]';
COMMENT ON COLUMN county_income.from_75k_share IS 'Share of households with an income of 75,000 to 99,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_008E]';
COMMENT ON COLUMN county_income.from_75k_share_moe IS 'Share of households with an income of 75,000 to 99,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_008M]';
COMMENT ON COLUMN county_income.from_100k_share IS 'Share of households with an income of 100,000 to 149,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_009E]';
COMMENT ON COLUMN county_income.from_100k_share_moe IS 'Share of households with an income of 100,000 to 149,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_009M]';
COMMENT ON COLUMN county_income.from_150k_share IS 'Share of households with an income of 150,000 to 199,999 dollars [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_010E]';
COMMENT ON COLUMN county_income.from_150k_share_moe IS 'Share of households with an income of 150,000 to 199,999 dollars, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_010M]';
COMMENT ON COLUMN county_income.from_200k_share IS 'Share of households with an income of 200,000 dollars and more [unit: %; aggregate: mean by households; from: us-s1901.S1901_C01_011E]';
COMMENT ON COLUMN county_income.from_200k_share_moe IS 'Share of households with an income of 200,000 dollars and more, margin of error [unit: %; aggregate: none; from: us-s1901.S1901_C01_011M]';
COMMENT ON COLUMN county_income.income_reasons IS 'Why figures are missing, in the publisher''s terms, by column [unit: reason; aggregate: none; from: us-s1901]';
COMMENT ON COLUMN county_income.code_change IS 'Change of codes over which the figures were carried [unit: words; aggregate: none; from: ledger of code events]';
COMMENT ON COLUMN county_income.geom IS 'Border, generalised to 1:500,000, in NAD83 (EPSG:4269) [unit: degree; aggregate: none; from: us-counties geometry]';
