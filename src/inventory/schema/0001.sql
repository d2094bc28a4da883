-- What was seen, run by run. Nothing is ever deleted; a run is written whole or not at all.

-- One reading of one set of inputs. Moments are nanoseconds since 1970-01-01 UTC.
CREATE TABLE run (
  number   INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  facility TEXT,
  began    INTEGER NOT NULL,
  ended    INTEGER NOT NULL
) STRICT;

-- What a run read, in its order.
CREATE TABLE input (
  run     INTEGER NOT NULL REFERENCES run,
  place   INTEGER NOT NULL,
  name    TEXT NOT NULL,
  packets INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

-- What a run measured, and what it could not see, in its order.
CREATE TABLE coverage (
  run     INTEGER NOT NULL REFERENCES run,
  place   INTEGER NOT NULL,
  subject TEXT NOT NULL,
  state   TEXT NOT NULL,
  count   INTEGER,
  detail  TEXT,
  PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

-- A connection point of a facility, under the name it was first given.
CREATE TABLE point (
  number   INTEGER PRIMARY KEY,
  facility TEXT,
  id       TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX point_of_facility ON point (ifnull(facility, ''), id);

-- A point as one run saw it. Sets and lists are JSON, in the form of the points report.
CREATE TABLE sighting (
  run        INTEGER NOT NULL REFERENCES run,
  place      INTEGER NOT NULL,
  point      INTEGER NOT NULL REFERENCES point,
  kind       TEXT NOT NULL,
  grade      TEXT NOT NULL,
  confidence REAL NOT NULL,
  direction  TEXT NOT NULL,
  addresses  TEXT NOT NULL CHECK (json_valid(addresses)),
  macs       TEXT NOT NULL CHECK (json_valid(macs)),
  outside    TEXT NOT NULL CHECK (json_valid(outside)),
  services   TEXT NOT NULL CHECK (json_valid(services)),
  product    TEXT NOT NULL CHECK (json_valid(product)),
  names      TEXT NOT NULL CHECK (json_valid(names)),
  because    TEXT NOT NULL CHECK (json_valid(because)),
  PRIMARY KEY (run, place),
  UNIQUE (point, run)
) STRICT, WITHOUT ROWID;
