-- What filled-in forms say of points and of lines that no network shows, kept apart from runs. Nothing is ever deleted: of each column the
-- last entry about a point counts that says something there. `point` is the point's name; null where a vendor says something of all that it looks after. `makes` is 1 where
-- the line makes the point, and 0 where it says something of one that was found. `form` numbers what was read together.
CREATE TABLE declared (
  number   INTEGER PRIMARY KEY,
  form     INTEGER NOT NULL,
  facility TEXT,
  point    TEXT,
  makes    INTEGER NOT NULL CHECK (makes IN (0, 1)),
  entry    TEXT NOT NULL CHECK (json_valid(entry)),
  file     TEXT NOT NULL,
  row      INTEGER NOT NULL,
  cited    TEXT NOT NULL,
  who      TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;

CREATE INDEX declared_by_facility ON declared (facility, number);

CREATE TRIGGER declared_is_not_changed BEFORE UPDATE ON declared
BEGIN
  SELECT raise(ABORT, 'what was declared is not changed, another entry follows it');
END;

CREATE TRIGGER declared_is_not_cut BEFORE DELETE ON declared
BEGIN
  SELECT raise(ABORT, 'what was declared is not taken away');
END;
