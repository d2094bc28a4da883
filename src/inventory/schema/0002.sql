-- What boxes said that no signature named. Many boxes say the same, and every box the same every night: it is kept once.
CREATE TABLE saying (
  number INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  said   TEXT NOT NULL CHECK (json_valid(said))
) STRICT;

-- A box at the edge that no signature named, as one run saw it. `packets` cites one for each fact of the saying; one that begins with
-- `#` is of the same file as the one before.
CREATE TABLE unrecognised (
  run       INTEGER NOT NULL REFERENCES run,
  place     INTEGER NOT NULL,
  id        TEXT NOT NULL,
  addresses TEXT NOT NULL CHECK (json_valid(addresses)),
  macs      TEXT NOT NULL CHECK (json_valid(macs)),
  why       TEXT NOT NULL CHECK (json_valid(why)),
  saying    INTEGER NOT NULL REFERENCES saying,
  packets   TEXT NOT NULL CHECK (json_valid(packets)),
  PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX unrecognised_by_name ON unrecognised (id);
