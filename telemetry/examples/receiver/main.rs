//! Reference receiver: what a receiving side must do, and no more.
//!
//! ```text
//! cargo run -p telemetry --example receiver -- [--listen ADDRESS] [--file FILE]
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `POST /telemetry` | 202 accepted or duplicate · 400 without the marker header · 413 too large · 415 not JSON · 422 refused, with rules and pointers · 503 not stored |
//! | `GET /chains` | what arrived, as chains of runs: JSON, or a page where `Accept` asks for HTML |
//!
//! Any value of the marker header is accepted: it tells senders apart and proves nothing. Accepted documents are appended to
//! the file, one on each line, and duplicates are dropped by `event_id`, also after a restart. It listens on this machine
//! alone unless it is told otherwise, and ends on SIGINT and SIGTERM after the requests that it has begun.

mod chains;
mod service;
mod store;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

struct Options {
    listen: SocketAddr,
    file: PathBuf,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    let mut options = Options { listen: ([127, 0, 0, 1], 8787).into(), file: "telemetry.ndjson".into() };
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or("usage: receiver [--listen ADDRESS] [--file FILE]")?;
        match flag.as_str() {
            "--listen" => options.listen = value.parse()?,
            "--file" => options.file = value.into(),
            _ => return Err("usage: receiver [--listen ADDRESS] [--file FILE]".into()),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = Store::open(&options.file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        say(&format!("listening: http://{address}/telemetry"));
        say(&format!("chains:    http://{address}/chains"));
        say(&format!("file:      {}", options.file.display()));
        axum::serve(listener, service::router(store)).with_graceful_shutdown(asked_to_end()).await?;
        Ok(())
    })
}

/// Waits for SIGINT or SIGTERM.
async fn asked_to_end() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    std::future::poll_fn(|context| {
        let interrupted = interrupt.poll_recv(context).is_ready();
        if interrupted || terminate.poll_recv(context).is_ready() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

/// Messages go to standard error; that nobody reads them is no fault.
fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}
