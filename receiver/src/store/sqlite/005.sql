-- Finds the runs below one that is to be erased. Most runs have none above them.
CREATE INDEX run_by_parent ON run (parent_run_id) WHERE parent_run_id IS NOT NULL;
