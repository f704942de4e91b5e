-- Runs, put together from their documents; they outlive them.
CREATE TABLE run (
    session_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    parent_run_id BLOB,
    component TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    client TEXT NOT NULL,
    contract TEXT NOT NULL,
    command TEXT,
    mode TEXT,
    execution TEXT,
    result TEXT,
    os_id TEXT,
    os_version TEXT,
    arch TEXT,
    failure_step TEXT,
    failure_reason TEXT,
    started INTEGER,
    finished INTEGER,
    -- With the session, the key of the document that has its manifest.
    manifest_occurred_at INTEGER,
    manifest_event_id BLOB,
    -- The arrival of its last document; `received_at` is that of its first.
    last_received_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_by_arrival ON run (received_at);

-- What charts show of a closed week, with small groups folded already: no table keeps what no chart may show.
-- Written once and never changed, so that two looks at one week differ by nobody.
CREATE TABLE weekly (
    week INTEGER NOT NULL,
    chart TEXT NOT NULL,
    k1 TEXT NOT NULL,
    k2 TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (chart, week, k1, k2)
) STRICT, WITHOUT ROWID;

-- Weeks that are closed, those without any document included.
CREATE TABLE closed_week (
    week INTEGER NOT NULL PRIMARY KEY,
    suppress_below INTEGER NOT NULL
) STRICT;

-- The last document that is part of `run`, and the clock at the last rollup after which all were.
CREATE TABLE rolled_up (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    document_id INTEGER NOT NULL,
    done_at INTEGER
) STRICT;
INSERT INTO rolled_up (one, document_id) VALUES (1, 0);
