//! The common parts of all pages.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Light and dark by the reader's system, one column on a telephone; each table has its own width, within a
/// region that scrolls.
const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --line: #c8ccd2; --bar: #1f5fa8; --dim: #565c64; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --paper: #16181b; --line: #43484f; --bar: #7fb2ee; --dim: #a4abb4; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 0 1rem 3rem; font: 1rem/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: .75rem 0; margin: 0;
  border-bottom: 1px solid var(--line); }
a { color: inherit; } a:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; } .skip:focus { position: static; }
.grid { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th.week { padding-top: 1rem; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding-bottom: .25rem; }
.bars { list-style: none; padding: 0; margin: .5rem 0; } .bars li { margin-bottom: .5rem; font-size: .9rem; }
svg { display: block; width: 100%; } svg rect { fill: var(--bar); } .dim { color: var(--dim); } code { overflow-wrap: anywhere; }
section.field p { margin: .2rem 0; } h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; }
";

/// A page.
pub(super) fn page(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - telemetry" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                nav aria-label="Pages" {
                    ul {
                        li { a href="/" { "Overview" } }
                        li { a href="/contract" { "What is collected, and why" } }
                        li { a href="/chains" { "Chains (operators)" } }
                    }
                }
                main id="content" { h1 { (title) } (content) }
            }
        }
    };
    page.into_string()
}
