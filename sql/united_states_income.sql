-- reads: shapes, income
-- makes: county_income
-- settings: geodata.vintage (last of the five years of the survey)

-- Households of counties that became one are added up, their margins of error by the root of the
-- summed squares; all else is no sum.
CREATE TABLE county_income AS
SELECT s.geoid, s.county_name, s.state_code, h.households, h.households_moe,
       i.median_income, i.median_income_moe, i.mean_income, i.mean_income_moe,
       i.under_10k_share, i.under_10k_share_moe, i.from_10k_share, i.from_10k_share_moe,
       i.from_15k_share, i.from_15k_share_moe, i.from_25k_share, i.from_25k_share_moe,
       i.from_35k_share, i.from_35k_share_moe, i.from_50k_share, i.from_50k_share_moe,
       i.from_75k_share, i.from_75k_share_moe, i.from_100k_share, i.from_100k_share_moe,
       i.from_150k_share, i.from_150k_share_moe, i.from_200k_share, i.from_200k_share_moe,
       CASE WHEN h.geoid IS NULL THEN 'no figures under this code'
            WHEN h.published > 1 THEN concat_ws(
                 '; ', 'medians, means and shares: not those of counties that became one',
                 h.income_reasons)
            ELSE h.income_reasons END AS income_reasons,
       h.code_change,
       s.geom
  FROM shapes s
  LEFT JOIN (SELECT geoid, count(*) AS published,
                    geodata.whole_sum(households)::bigint AS households,
                    round(sqrt(geodata.whole_sum(households_moe::numeric * households_moe::numeric))
                         )::bigint AS households_moe,
                    string_agg(income_reasons, '; ' ORDER BY published_code) AS income_reasons,
                    min(code_change) AS code_change
               FROM income GROUP BY geoid) AS h USING (geoid)
  LEFT JOIN income i ON i.geoid = s.geoid AND h.published = 1
 ORDER BY s.geoid;

COMMENT ON TABLE county_income
    IS 'Counties of the United States with the income of their households in the five years of the'
    ' survey, in dollars of the last year';
COMMENT ON COLUMN county_income.code_change
    IS 'Change of codes over which the figures were carried'
    ' [unit: words; aggregate: none; from: ledger of code events]';
-- The root of summed squares is the margin of error of the sum.
SELECT geodata.copy_comments('shapes', 'county_income');
SELECT geodata.copy_comments('income', 'county_income');
