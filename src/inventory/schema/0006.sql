-- What is the same from night to night is kept once: a JSON text, found by its digest. `sha256` is the program's.
CREATE TABLE content (
  number INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  body   TEXT NOT NULL CHECK (json_valid(body))
) STRICT;

-- What a run asked from outside, and the boxes that it heard: a list of numbers of contents, each a box. Null where there is nothing.
ALTER TABLE run ADD COLUMN asked INTEGER REFERENCES content;
ALTER TABLE run ADD COLUMN hosts INTEGER REFERENCES content;
INSERT OR IGNORE INTO content (digest, body) SELECT sha256(inquiries), inquiries FROM run WHERE inquiries <> '[]';
UPDATE run SET asked = (SELECT number FROM content WHERE digest = sha256(inquiries)) WHERE inquiries <> '[]';
ALTER TABLE run DROP COLUMN inquiries;

-- What a line of coverage says beyond its number.
CREATE TABLE coverage_line (
  number  INTEGER PRIMARY KEY,
  digest  BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  subject TEXT NOT NULL,
  state   TEXT NOT NULL,
  detail  TEXT,
  network TEXT,
  vantage TEXT
) STRICT;

ALTER TABLE coverage RENAME TO coverage_before;
CREATE TABLE coverage (
  run   INTEGER NOT NULL REFERENCES run,
  place INTEGER NOT NULL,
  line  INTEGER NOT NULL REFERENCES coverage_line,
  count INTEGER,
  PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO coverage_line (digest, subject, state, detail, network, vantage)
  SELECT sha256(json_array(subject, state, detail, network, vantage)), subject, state, detail, network, vantage
  FROM coverage_before;
INSERT INTO coverage (run, place, line, count)
  SELECT b.run, b.place, l.number, b.count FROM coverage_before b
  JOIN coverage_line l ON l.digest = sha256(json_array(b.subject, b.state, b.detail, b.network, b.vantage));
DROP TABLE coverage_before;

-- A point as one run saw it. Contents are what it looked like (`look`), from where it was seen and what tells whose it is (`claims`), and
-- why we think so (`because`). `packets` cites one packet for each reason, then for each of each line; one that begins with `#` is of the
-- same file as the one before. `own` is the name that the run gave it; empty where that is the point's.
ALTER TABLE sighting RENAME TO sighting_before;
CREATE TABLE sighting (
  run        INTEGER NOT NULL REFERENCES run,
  place      INTEGER NOT NULL,
  point      INTEGER NOT NULL REFERENCES point,
  own        TEXT NOT NULL,
  confidence REAL NOT NULL,
  look       INTEGER NOT NULL REFERENCES content,
  claims     INTEGER NOT NULL REFERENCES content,
  because    INTEGER NOT NULL REFERENCES content,
  packets    TEXT NOT NULL CHECK (json_valid(packets)),
  PRIMARY KEY (run, place),
  UNIQUE (point, run)
) STRICT, WITHOUT ROWID;

CREATE VIEW sighting_kept AS SELECT s.run, s.place, s.point, s.own, s.confidence,
  json_object(
    'kind', s.kind, 'grade', s.grade, 'direction', s.direction,
    'addresses', json(s.addresses), 'macs', json(s.macs), 'outside', json(s.outside),
    'services', json(s.services), 'product', json(s.product), 'names', json(s.names),
    'lines', json((
      SELECT json_group_array(json_set(l.value, '$.because', json((
        SELECT json_group_array(json_set(b.value, '$.observation', '') ORDER BY b.key)
        FROM json_each(l.value, '$.because') b))) ORDER BY l.key)
      FROM json_each(s.lines) l)),
    'seen', json(ifnull(s.sides -> '$.services', '[]')),
    'restriction', json(ifnull(s.sides -> '$.restriction', '[]'))) AS look,
  json_object(
    'seen_from', json(ifnull(s.sides -> '$.seen_from', '["inside"]')),
    'claims', json(ifnull(s.sides -> '$.claims', '[]')),
    'faces', json(ifnull(s.sides -> '$.faces', '[]')),
    'identities', json(ifnull(s.sides -> '$.identities', '[]'))) AS claims,
  (SELECT json_group_array(json_set(b.value, '$.observation', '') ORDER BY b.key)
    FROM json_each(s.because) b) AS because,
  (SELECT json_group_array(c.packet ORDER BY c.part, c.line, c.reason) FROM (
    SELECT 0 AS part, 0 AS line, b.key AS reason, b.value ->> '$.observation' AS packet FROM json_each(s.because) b
    UNION ALL
    SELECT 1, l.key, b.key, b.value ->> '$.observation' FROM json_each(s.lines) l, json_each(l.value, '$.because') b
  ) c) AS packets
FROM sighting_before s;

INSERT OR IGNORE INTO content (digest, body) SELECT sha256(look), look FROM sighting_kept;
INSERT OR IGNORE INTO content (digest, body) SELECT sha256(claims), claims FROM sighting_kept;
INSERT OR IGNORE INTO content (digest, body) SELECT sha256(because), because FROM sighting_kept;
INSERT INTO sighting (run, place, point, own, confidence, look, claims, because, packets)
  SELECT run, place, point, own, confidence,
    (SELECT number FROM content WHERE digest = sha256(look)),
    (SELECT number FROM content WHERE digest = sha256(claims)),
    (SELECT number FROM content WHERE digest = sha256(because)),
    packets
  FROM sighting_kept;
DROP VIEW sighting_kept;
DROP TABLE sighting_before;
