//! The `receiver` program; all its code is in the library.

/// The gate reads a document into small pieces: the system's allocator takes a third of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // The memory has tokens and the password of the store. Refused only by kernels without prctl.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    receiver::command::main(std::env::args_os())
}
