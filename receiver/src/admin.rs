//! The admin port: metrics and health, only for the operator's machines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::body::Incoming;
use hyper::{Method, Request};

use crate::http::response::{self, Reply};
use crate::http::service::Service;

/// The state of the admin port.
pub(crate) struct Admin {
    pub(crate) service: Arc<Service>,
    /// Whether documents are accepted: from the start until the service gets a signal to end.
    pub(crate) ready: AtomicBool,
    /// Free bytes of the disk below which no document is accepted.
    pub(crate) disk_reserve: u64,
    /// Whether the disk matters only while a server is out of reach.
    pub(crate) is_spooling: bool,
}

impl Admin {
    /// Answers a request.
    pub(crate) fn answer(&self, request: &Request<Incoming>) -> Reply {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return response::not_allowed("GET, HEAD");
        }
        match request.uri().path() {
            "/metrics" => {
                let text = self.service.metrics.text(self.service.queue.waiting());
                response::of(200, "text/plain; version=0.0.4; charset=utf-8", text)
            }
            "/health/live" => response::plain(200, "live\n"),
            "/health/ready" => match self.unready() {
                None => response::plain(200, "ready\n"),
                Some(why) => response::plain(503, why),
            },
            _ => response::not_found(),
        }
    }

    fn unready(&self) -> Option<&'static str> {
        let metrics = &self.service.metrics;
        let needs_disk = !self.is_spooling || metrics.outage.get() > 0;
        if !self.ready.load(Ordering::Relaxed) {
            Some("draining\n")
        } else if needs_disk && metrics.disk_free.get() < self.disk_reserve {
            Some("disk reserve reached\n")
        } else {
            None
        }
    }
}
