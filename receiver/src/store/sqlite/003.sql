-- The clock at the last rollup or deletion that was done, the last reading of another one
-- that is not believed, and how long that one has gone on.
CREATE TABLE clock (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    believed_at INTEGER NOT NULL,
    doubted_at INTEGER,
    doubted_seconds INTEGER
) STRICT;
