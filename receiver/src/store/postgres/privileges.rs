//! What the role of the service must be allowed, asked without writing anything.

use tokio_postgres::Client;

use super::migration;
use crate::store::fault::PostgresFault;

/// What all commands together do with each table. The months of `document` need its owner besides; without them the service
/// warns, and keeps everything in one partition.
const NEEDED: [(&str, &[&str]); 8] = [
    ("document", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("run", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("refusal", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("instance", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("clock", &["SELECT", "INSERT", "UPDATE"]),
    ("rolled_up", &["SELECT", "UPDATE"]),
    ("weekly", &["SELECT", "INSERT"]),
    ("closed_week", &["SELECT", "INSERT"]),
];

/// Passes if the role may do what the service does with its tables, or may make them where they are missing or old.
///
/// # Errors
/// [`PostgresFault::NotAllowed`]; the server fails.
pub(super) async fn check(client: &Client) -> Result<(), PostgresFault> {
    if migration::check(client).await.is_err() {
        let may_make = "SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)";
        let may_make: bool = client.query_one(may_make, &[]).await?.try_get(0)?;
        return if may_make {
            Ok(())
        } else {
            Err(PostgresFault::NotAllowed("CREATE on the schema".to_owned()))
        };
    }
    let mut missing = Vec::new();
    for (table, privileges) in NEEDED {
        for privilege in privileges {
            let may = client.query_one("SELECT has_table_privilege($1, $2)", &[&table, privilege]).await?;
            if !may.try_get::<_, bool>(0)? {
                missing.push(format!("{privilege} on {table}"));
            }
        }
    }
    let may = client.query_one("SELECT has_sequence_privilege('document_id', 'USAGE')", &[]).await?;
    if !may.try_get::<_, bool>(0)? {
        missing.push("USAGE on document_id".to_owned());
    }
    if missing.is_empty() { Ok(()) } else { Err(PostgresFault::NotAllowed(missing.join(", "))) }
}
