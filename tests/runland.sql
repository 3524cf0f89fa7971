-- reads: loaded
-- makes: places
-- settings: none
CREATE TABLE places AS SELECT code, people FROM loaded;
COMMENT ON TABLE places IS 'Places of Runland';
COMMENT ON COLUMN places.code IS 'Place [unit: code; aggregate: key; from: zr-places.code]';
COMMENT ON COLUMN places.people IS 'People [unit: persons; aggregate: sum; from: zr-places.people]';
