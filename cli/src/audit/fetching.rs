//! One line on stderr that shows what is being fetched; erased at the end.

use std::time::Instant;

use crate::console::Console;
use crate::progress::REDRAW;
use crate::quantity::show_bytes;
use crate::render::safe::{self, Layout};

/// The progress of a download, as far as it is shown.
#[derive(Debug)]
pub struct Fetching {
    console: Console,
    gateway: String,
    drawn: Option<Instant>,
}

impl Fetching {
    /// Nothing is fetched yet; nothing is shown unless stderr is a terminal.
    pub fn on(console: Console) -> Fetching {
        Fetching { console, gateway: String::new(), drawn: None }
    }

    /// The next gateway is asked.
    pub fn begin(&mut self, gateway: &str) {
        gateway.clone_into(&mut self.gateway);
        self.draw(0);
    }

    /// So many bytes have come from it.
    pub fn has(&mut self, bytes: u64) {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW) {
            self.draw(bytes);
        }
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        if self.drawn.take().is_some() {
            self.console.tell("\r\x1b[K");
        }
    }

    fn draw(&mut self, bytes: u64) {
        if self.console.err_terminal {
            let line = format!("fetching {}: {}", self.gateway, show_bytes(bytes));
            self.console.tell(&format!("\r{}\x1b[K", safe::text(&line, Layout::Line)));
            self.drawn = Some(Instant::now());
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.end();
    }
}
