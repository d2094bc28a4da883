-- From where a run looked, and what it asked from outside. Runs of before looked from inside.
ALTER TABLE run ADD COLUMN vantages TEXT NOT NULL DEFAULT '["inside"]' CHECK (json_valid(vantages));
ALTER TABLE run ADD COLUMN inquiries TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(inquiries));

-- What a run saw of a point from where, and the name that it gave the point by itself; empty where that was not kept.
ALTER TABLE sighting ADD COLUMN sides TEXT NOT NULL DEFAULT '{"seen_from":["inside"]}' CHECK (json_valid(sides));
ALTER TABLE sighting ADD COLUMN own TEXT NOT NULL DEFAULT '';
