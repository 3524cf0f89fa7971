-- reads: population
-- makes: census_communes
-- settings: none

-- The communes of the census, on the codes of its day, and on those of the borders once `recode`
-- has carried them.
CREATE TABLE census_communes AS
SELECT DISTINCT left(iris_code, 5) AS census_commune, left(iris_code, 5) AS municipal_code
  FROM population ORDER BY 1;
