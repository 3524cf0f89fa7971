-- The census division and region of each state (U.S. Census Bureau, Geographic Levels: Census
-- Regions and Divisions).
CREATE OR REPLACE FUNCTION geodata.us_divisions()
RETURNS TABLE (
    state_code text, division_code text, division_name text, region_code text, region_name text
)
LANGUAGE sql IMMUTABLE
AS $$
SELECT state_code, division_code, division_name, region_code, region_name
  FROM (VALUES ('1', 'New England', '1', 'Northeast', '{09,23,25,33,44,50}'::text[]),
               ('2', 'Middle Atlantic', '1', 'Northeast', '{34,36,42}'),
               ('3', 'East North Central', '2', 'Midwest', '{17,18,26,39,55}'),
               ('4', 'West North Central', '2', 'Midwest', '{19,20,27,29,31,38,46}'),
               ('5', 'South Atlantic', '3', 'South', '{10,11,12,13,24,37,45,51,54}'),
               ('6', 'East South Central', '3', 'South', '{01,21,28,47}'),
               ('7', 'West South Central', '3', 'South', '{05,22,40,48}'),
               ('8', 'Mountain', '4', 'West', '{04,08,16,30,32,35,49,56}'),
               ('9', 'Pacific', '4', 'West', '{02,06,15,41,53}'))
       AS d (division_code, division_name, region_code, region_name, states),
       unnest(states) AS s (state_code)
$$;
COMMENT ON FUNCTION geodata.us_divisions()
    IS 'Census division and region of each of the 50 states and the District of Columbia.';
