//! The end-to-end suite, one module a theme, in one executable so that the binary is found and the crate is linked once.

#![expect(
    clippy::disallowed_methods,
    reason = "the house rules are for what runs on hosts; a test starts programs and leaves files"
)]

mod architecture;
mod commands;
mod consent;
mod crash;
mod delivery;
mod dry_run;
mod faults;
mod faults_table;
mod folders;
mod ids;
mod kill;
mod output;
mod pipes;
mod privacy;
mod secrets;
mod shell_version;
mod usage;
mod validate;
