-- The clock at the last rollup or deletion that was done, and since when another one is read that is not believed.
CREATE TABLE clock (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    believed_at INTEGER NOT NULL,
    doubted_since INTEGER
) STRICT;
