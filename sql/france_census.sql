-- reads: population, income, movements
-- makes: census_communes, income_communes
-- settings: none

-- The communes of the census, on the codes of its day, and on those of the borders once `recode`
-- has carried them.
CREATE TABLE census_communes AS
SELECT DISTINCT left(iris_code, 5) AS census_commune, left(iris_code, 5) AS municipal_code
  FROM population ORDER BY 1;

-- Those of the incomes, which are older, and every other commune that a movement names: one without
-- incomes may have merged with one that has some.
CREATE TABLE income_communes AS
SELECT code AS income_commune, code AS municipal_code
  FROM (SELECT left(iris_code, 5) AS code FROM income
         UNION SELECT left(iris_code, 5) FROM population
         UNION SELECT code_before FROM movements WHERE type_before = 'COM') AS codes
 WHERE code IS NOT NULL ORDER BY 1;
