-- Times are seconds since 1970, ids are bytes (8, 16 or 17 of them), as in the embedded store.
CREATE TABLE receiver_migration (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- The order of arrival. A sequence and no identity: partitions do not inherit those before PostgreSQL 17.
CREATE SEQUENCE document_id;

-- Documents as they were accepted, by the month in which they happened. The session leads the key, so that the tables
-- distribute by it where one machine does not do.
CREATE TABLE document (
    id bigint NOT NULL DEFAULT nextval('document_id'),
    session_id bytea NOT NULL,
    occurred_at bigint NOT NULL,
    event_id bytea NOT NULL,
    run_id bytea NOT NULL,
    parent_run_id bytea,
    received_at bigint NOT NULL,
    sent_at bigint NOT NULL,
    event text NOT NULL,
    component text NOT NULL,
    client text NOT NULL,
    contract text NOT NULL,
    attempt bigint NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (session_id, occurred_at, event_id)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX document_by_arrival ON document (id);

-- Clocks of 1970 and 2099, and months that were not foreseen.
CREATE TABLE document_default PARTITION OF document DEFAULT;

-- Runs, put together from their documents; they outlive them.
CREATE TABLE run (
    session_id bytea NOT NULL,
    run_id bytea NOT NULL,
    parent_run_id bytea,
    component text NOT NULL,
    received_at bigint NOT NULL,
    client text NOT NULL,
    contract text NOT NULL,
    command text,
    mode text,
    execution text,
    result text,
    os_id text,
    os_version text,
    arch text,
    failure_step text,
    failure_reason text,
    started bigint,
    finished bigint,
    -- With the session, the key of the document that has its manifest.
    manifest_occurred_at bigint,
    manifest_event_id bytea,
    -- The arrival of its last document; `received_at` is that of its first.
    last_received_at bigint NOT NULL,
    PRIMARY KEY (session_id, run_id)
);
CREATE INDEX run_by_arrival ON run (received_at);

-- What charts show of a closed week, with small groups folded already: no table keeps what no chart may show.
-- Written once and never changed, so that two looks at one week differ by nobody.
CREATE TABLE weekly (
    week bigint NOT NULL,
    chart text NOT NULL,
    k1 text NOT NULL,
    k2 text NOT NULL,
    sessions bigint NOT NULL,
    PRIMARY KEY (chart, week, k1, k2)
);

-- Weeks that are closed, those without any document included.
CREATE TABLE closed_week (
    week bigint PRIMARY KEY,
    suppress_below bigint NOT NULL
);

-- The last document that is part of `run`, and the clock at the last rollup after which all were. Whoever rolls up
-- holds this row.
CREATE TABLE rolled_up (
    one integer PRIMARY KEY CHECK (one = 1),
    document_id bigint NOT NULL,
    done_at bigint
);
INSERT INTO rolled_up (one, document_id) VALUES (1, 0);

-- How often a rule refused something, by day (since 1970) and masked place. Never a body.
CREATE TABLE refusal (
    day bigint NOT NULL,
    rule text NOT NULL,
    pointer text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (day, rule, pointer)
);

-- Processes that serve, so that an upgrade sees which contract versions are still running.
CREATE TABLE instance (
    id bytea PRIMARY KEY,
    seen_at bigint NOT NULL,
    contract_version text NOT NULL
);
