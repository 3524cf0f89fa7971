-- A sum that is null as soon as one value is: the total of areas of which one is not known is not
-- known either.
CREATE OR REPLACE FUNCTION geodata.add_or_unknown(total numeric, value numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT
AS 'SELECT total + value';

CREATE OR REPLACE AGGREGATE geodata.whole_sum(numeric)
    (SFUNC = geodata.add_or_unknown, STYPE = numeric, INITCOND = '0');
COMMENT ON AGGREGATE geodata.whole_sum(numeric) IS 'Sum of values, null when one of them is.';
