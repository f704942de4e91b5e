//! What the role of the service must be allowed, asked without writing anything.

use tokio_postgres::Client;

use super::migration;
use crate::store::fault::PostgresFault;

/// Tables and partitions that belong to a role without whose rights this one is, and the sequence, which is no table's. Grants
/// are not enough: each month gets a partition, and loses one that is over, and only an owner can do that.
const NOT_OWNED: &str = "SELECT relname::text FROM pg_class
     WHERE (oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'document'::regclass)
         OR oid = ANY ('{document, document_id, run, refusal, instance, clock, rolled_up, weekly, closed_week, receiver_migration}'::regclass[]))
     AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname";

/// Passes if the role may do what the service does with its tables, or may make them where they are missing or old.
///
/// # Errors
/// [`PostgresFault::NotAllowed`]; the server fails.
pub(super) async fn check(client: &Client) -> Result<(), PostgresFault> {
    let mut lacks = Vec::new();
    let may_make = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)";
    if !client.query_one(may_make, &[]).await?.try_get::<_, bool>(0)? {
        lacks.push("CREATE on the schema".to_owned());
    }
    if migration::check(client).await.is_ok() {
        for row in client.query(NOT_OWNED, &[]).await? {
            lacks.push(format!("the ownership of {}", row.try_get::<_, &str>(0)?));
        }
    }
    if lacks.is_empty() { Ok(()) } else { Err(PostgresFault::NotAllowed(lacks.join(", "))) }
}
