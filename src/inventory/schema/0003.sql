-- Which network a line of coverage is about, and from which interface it was looked at: for the ways to find exits, of which there is a
-- line each network. Null where a line is about the whole run.
ALTER TABLE coverage ADD COLUMN network TEXT;
ALTER TABLE coverage ADD COLUMN vantage TEXT;
