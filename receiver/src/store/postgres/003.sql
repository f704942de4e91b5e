-- Finds the session of a run that is to be erased. An index on `document` would cost each document that arrives.
CREATE INDEX run_by_id ON run (run_id);
