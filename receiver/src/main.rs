//! The `receiver` program; all its code is in the library.

/// The gate reads a document into small pieces: the system's allocator takes a third of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    receiver::command::main(std::env::args_os())
}
