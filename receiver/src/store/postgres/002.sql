-- The clock at the last rollup or deletion that was done, and since when another one is read that is not believed.
CREATE TABLE clock (
    one integer PRIMARY KEY CHECK (one = 1),
    believed_at bigint NOT NULL,
    doubted_since bigint
);
