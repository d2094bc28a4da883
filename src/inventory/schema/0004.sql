-- The lines behind a point, in the form of the points report.
ALTER TABLE sighting ADD COLUMN lines TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(lines));
