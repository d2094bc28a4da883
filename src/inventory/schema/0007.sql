-- What was done with this store, entry by entry: each run that was read, each decision, register and form. An entry is bound to the one
-- before it by `hash`, the SHA-256 of its number, the hash before it and `body`, each on a line; `body` is the SHA-256 of the rest as JSON.
-- What an export of one facility withholds of others has nothing but its hashes.
CREATE TABLE log (
  number   INTEGER PRIMARY KEY CHECK (number > 0),
  at       INTEGER,
  who      TEXT,
  kind     TEXT,
  facility TEXT,
  subject  TEXT,
  content  TEXT CHECK (json_valid(content)),
  body     TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash     TEXT NOT NULL UNIQUE
) STRICT;

CREATE INDEX log_by_kind ON log (kind, facility);

CREATE TRIGGER log_is_not_changed BEFORE UPDATE ON log
BEGIN
  SELECT raise(ABORT, 'the log only grows: an entry is not changed, another one follows it');
END;

CREATE TRIGGER log_is_not_cut BEFORE DELETE ON log
BEGIN
  SELECT raise(ABORT, 'the log only grows: no entry is taken away');
END;
