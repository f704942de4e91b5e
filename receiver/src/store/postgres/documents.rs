//! Documents in the database.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::connection::PostgresConnection;
use super::session::PostgresStore;
use crate::arrival::{Arrival, PackedId};
use crate::refusals::RefusalCount;
use crate::store::fault::PostgresFault;
use crate::store::{DocumentStore, INSTANCE_SECONDS, InsertOutcome, MAX_REFUSALS_A_DAY, StoreError};
use crate::week::DAY;

/// One statement per batch, so that a batch is one round trip and one transaction.
const INSERT: &str =
    "INSERT INTO document (session_id, occurred_at, event_id, run_id, parent_run_id, received_at, sent_at,
         event, component, client, contract, attempt, detail)
     SELECT session_id, occurred_at, event_id, run_id, parent_run_id, $13, sent_at,
         event, component, client, contract, attempt, detail::jsonb
     FROM unnest($1::bytea[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[], $7::text[],
         $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[])
         AS batch (session_id, occurred_at, event_id, run_id, parent_run_id, sent_at, event,
             component, client, contract, attempt, detail)
     ON CONFLICT (session_id, occurred_at, event_id) DO NOTHING
     RETURNING session_id, occurred_at, event_id";

/// In the month of the documents that arrive, and with a body that does not compress: it must need the space that they need.
const TRY_INSERT: &str =
    "INSERT INTO document (session_id, occurred_at, event_id, run_id, received_at, sent_at,
         event, component, client, contract, attempt, detail)
     SELECT '\\x00', extract(epoch FROM now())::bigint, '\\x00', '\\x00', 0, 0,
         '', '', '', '', 0, jsonb_build_object('filler', string_agg(md5(n::text), ''))
     FROM generate_series(1, 50) AS n";

/// One statement as well: statement by statement, the counts of a few documents took longer than a writer has, were put
/// back, and took the writer's time again each second. Places beyond the limit of a day are counted as one. In the order of
/// the key, as for documents.
const ADD_REFUSALS: &str = "INSERT INTO refusal (day, rule, pointer, count)
     SELECT $1::bigint, rule, place, sum(count)::bigint
     FROM (SELECT added.rule, added.count,
               CASE WHEN refusal.day IS NOT NULL
                   OR (SELECT count(*) FROM refusal WHERE day = $1)
                       + row_number() OVER (PARTITION BY refusal.day IS NULL) <= $5::bigint
               THEN added.pointer ELSE 'elsewhere' END AS place
           FROM unnest($2::text[], $3::text[], $4::bigint[]) AS added (rule, pointer, count)
               LEFT JOIN refusal ON refusal.day = $1 AND refusal.rule = added.rule
                   AND refusal.pointer = added.pointer) AS placed
     GROUP BY rule, place ORDER BY rule, place
     ON CONFLICT (day, rule, pointer) DO UPDATE SET count = refusal.count + excluded.count";

/// The key of a document.
type Key = (PackedId, i64, [u8; 16]);

fn key(arrival: &Arrival) -> Key {
    (arrival.session_id, arrival.occurred_at, arrival.event_id)
}

impl DocumentStore for PostgresStore {
    fn insert(&mut self, batch: &[Arrival], received_at: i64) -> Result<Vec<InsertOutcome>, StoreError> {
        // Duplicates within one statement would all look new, so only the first of each is sent. In the order of the
        // key, because two writers with different orders would block each other.
        let mut first: HashMap<Key, usize> = HashMap::with_capacity(batch.len());
        for (index, arrival) in batch.iter().enumerate() {
            first.entry(key(arrival)).or_insert(index);
        }
        let mut distinct: Vec<&Arrival> = first.values().map(|index| &batch[*index]).collect();
        distinct.sort_unstable_by_key(|arrival| key(arrival));
        let new =
            self.run("store documents", async |connection| insert(connection, &distinct, received_at).await)?;
        let outcome = |(index, arrival): (usize, &Arrival)| {
            let key = key(arrival);
            if first[&key] == index && new.contains(&key) {
                InsertOutcome::New
            } else {
                InsertOutcome::Duplicate
            }
        };
        Ok(batch.iter().enumerate().map(outcome).collect())
    }

    fn try_insert(&mut self) -> Result<(), StoreError> {
        self.run("try to store a document", async |connection| {
            let transaction = connection.client.transaction().await?;
            transaction.batch_execute(TRY_INSERT).await?;
            transaction.rollback().await?;
            Ok(())
        })
    }

    fn add_refusals(&mut self, refused: &[RefusalCount], now: i64) -> Result<(), StoreError> {
        self.run("count refusals", async |connection| add_refusals(connection, refused, now / DAY).await)
    }

    fn note_instance(&mut self, id: [u8; 16], now: i64) -> Result<(), StoreError> {
        self.run("note this instance", async |connection| {
            let note = connection
                .prepare(
                    "INSERT INTO instance (id, seen_at, contract_version) VALUES ($1, $2, $3)
                     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
                )
                .await?;
            connection.client.execute(&note, &[&id.as_slice(), &now, &schema::CONTRACT_VERSION]).await?;
            let forget = connection.prepare("DELETE FROM instance WHERE seen_at < $1").await?;
            connection.client.execute(&forget, &[&(now - INSTANCE_SECONDS)]).await?;
            Ok(())
        })
    }

    fn count(&mut self) -> Result<u64, StoreError> {
        let count = self.run("count the documents", async |connection| {
            Ok(connection.client.query_one("SELECT count(*) FROM document", &[]).await?.get::<_, i64>(0))
        })?;
        Ok(count.unsigned_abs())
    }

    fn local_directory(&self) -> Option<&Path> {
        None
    }

    /// The server manages its files itself.
    fn settle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Stores documents without duplicates; returns the keys of those that were new.
async fn insert(
    connection: &mut PostgresConnection,
    batch: &[&Arrival],
    received_at: i64,
) -> Result<HashSet<Key>, PostgresFault> {
    let statement = connection.prepare(INSERT).await?;
    let column = |of: fn(&Arrival) -> &str| batch.iter().map(|arrival| of(arrival)).collect::<Vec<&str>>();
    let numbers = |of: fn(&Arrival) -> i64| batch.iter().map(|arrival| of(arrival)).collect::<Vec<i64>>();
    let sessions: Vec<&[u8]> = batch.iter().map(|arrival| arrival.session_id.as_bytes()).collect();
    let events: Vec<&[u8]> = batch.iter().map(|arrival| arrival.event_id.as_slice()).collect();
    let runs: Vec<&[u8]> = batch.iter().map(|arrival| arrival.run_id.as_bytes()).collect();
    let parents: Vec<Option<&[u8]>> =
        batch.iter().map(|arrival| arrival.parent_run_id.as_ref().map(PackedId::as_bytes)).collect();
    let rows = connection
        .client
        .query(
            &statement,
            &[
                &sessions,
                &numbers(|arrival| arrival.occurred_at),
                &events,
                &runs,
                &parents,
                &numbers(|arrival| arrival.sent_at),
                &column(|arrival| &arrival.event),
                &column(|arrival| arrival.component.as_str()),
                &column(|arrival| &arrival.client),
                &column(|arrival| &arrival.contract),
                &numbers(|arrival| arrival.attempt.into()),
                &column(|arrival| &arrival.detail),
                &received_at,
            ],
        )
        .await?;
    let mut new = HashSet::with_capacity(rows.len());
    for row in &rows {
        let (session, event): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(2)?);
        // The ids that were just sent have these lengths.
        if let (Some(session), Ok(event)) = (PackedId::from_bytes(session), event.try_into()) {
            new.insert((session, row.try_get(1)?, event));
        }
    }
    Ok(new)
}

async fn add_refusals(
    connection: &mut PostgresConnection,
    refused: &[RefusalCount],
    day: i64,
) -> Result<(), PostgresFault> {
    let add = connection.prepare(ADD_REFUSALS).await?;
    let rules: Vec<&str> = refused.iter().map(|refused| refused.rule.as_str()).collect();
    let pointers: Vec<&str> = refused.iter().map(|refused| refused.pointer.as_str()).collect();
    let counts: Vec<i64> =
        refused.iter().map(|refused| i64::try_from(refused.count).unwrap_or(i64::MAX)).collect();
    connection.client.execute(&add, &[&day, &rules, &pointers, &counts, &MAX_REFUSALS_A_DAY]).await?;
    Ok(())
}
