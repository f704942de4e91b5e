//! The `bootstrap` program; all of it is in the library.

/// `validate` reads a hundred thousand documents a second into small pieces: the system's allocator takes a third of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    bootstrap::command::main(std::env::args_os())
}
