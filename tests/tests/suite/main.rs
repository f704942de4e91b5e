//! The end-to-end suite, one module per theme, in one executable so that the binary is found and the crate is linked once.

#![expect(
    clippy::disallowed_methods,
    reason = "the house rules are for what runs on hosts; a test starts programs and leaves files"
)]

mod architecture;
mod commands;
mod consent;
mod crash;
mod delivery;
mod directories;
mod disk_waits;
mod documentation;
mod dry_run;
mod endpoint_faults;
mod faults_table;
mod hostile;
mod house;
mod interrupt;
mod kill;
mod layers;
mod older_k3s;
mod output;
mod passwords;
mod plan_document;
mod preflight_again;
mod privacy;
mod screens;
mod secrets;
mod sending;
mod shell_version;
mod sudo_user;
mod usage;
mod validate;
