//! The contract as a page: every field, why it is collected, an example, and the charts that need it.

use maud::html;

use super::layout::page;
use crate::chart::chart_named;
use crate::contract::{FieldUse, fields, use_of};

/// The page.
pub(crate) fn contract() -> String {
    let fields = fields();
    let content = html! {
        p {
            "Contract " (schema::CONTRACT_VERSION) ": the " (fields.len()) " fields that a document may have. There are no others,
            and none of them holds free text."
        }
        @for field in &fields {
            section.field id=(field.pointer.trim_start_matches('/').replace('/', ".")) {
                h2 { code { (field.pointer) } }
                p { (field.meaning) }
                p { "Collected " (field.purpose) }
                p { "Values: " (field.values) }
                @if let Some(example) = &field.example { p { "Example: " code { (example) } } }
                @match use_of(&field.pointer) {
                    Some(FieldUse::Charts(names)) => p {
                        "Shown in: "
                        @for (index, chart) in names.iter().filter_map(|name| chart_named(name)).enumerate() {
                            @if index > 0 { ", " }
                            a href={ "/charts/" (chart.name) } { (chart.title) }
                        }
                    },
                    Some(FieldUse::Chain(why)) => p { "In no chart; in the chains of operators: " (why) "." },
                    Some(FieldUse::Reason(why)) => p { "In no chart: " (why) "." },
                    None => {}
                }
            }
        }
    };
    page("What is collected, and why", &content)
}
