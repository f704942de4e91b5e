//! The end-to-end suite, one module a theme, in one executable so that the binary is found and the crate is linked once.

mod architecture;
mod commands;
mod consent;
mod crash;
mod delivery;
mod dry_run;
mod faults;
mod folders;
mod ids;
mod kill;
mod output;
mod privacy;
mod secrets;
mod usage;
mod validate;
