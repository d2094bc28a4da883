-- Registers that were loaded: what people wrote down of a facility, its lines as JSON. The last one of a facility counts, and none
-- is ever taken away.
CREATE TABLE register (
  number   INTEGER PRIMARY KEY,
  facility TEXT,
  name     TEXT NOT NULL,
  loaded   INTEGER NOT NULL,
  who      TEXT NOT NULL,
  digest   TEXT NOT NULL,
  lines    INTEGER NOT NULL CHECK (lines >= 0),
  entries  TEXT NOT NULL CHECK (json_valid(entries))
) STRICT;

CREATE INDEX register_by_facility ON register (facility, number);

CREATE TRIGGER register_is_not_changed BEFORE UPDATE ON register
BEGIN
  SELECT raise(ABORT, 'a register is not changed: another one follows it');
END;

CREATE TRIGGER register_is_not_cut BEFORE DELETE ON register
BEGIN
  SELECT raise(ABORT, 'no register is taken away: the last one counts');
END;
