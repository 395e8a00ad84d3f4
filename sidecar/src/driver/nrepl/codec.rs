//! Requests to bencode, replies from it; what a message means stands in the conversation.

mod reply;
mod request;

pub use reply::{Ops, Reply, Server, Status};
pub use request::{Printing, Request};

/// Largest message in bytes: a value of [`MOST_QUOTA`] characters of three bytes, and 1 MiB more.
///
/// A server that ignores the quota and sends a larger value breaks the conversation; of a value
/// that is larger than asked for and fits, the rest is not kept.
pub const MAX_MESSAGE: usize = 16 << 20;
/// Most characters of a value that a server is asked for: 15 MiB of UTF-8, so that it fits.
pub const MOST_QUOTA: u32 = 5 << 20;
/// Fewest of them: the quota also cuts a printed exception, and half of one tells nothing.
pub const LEAST_QUOTA: u32 = 16 << 10;

/// Bytes that are kept of each string, however low the limits of the evaluation are: a printed
/// exception of [`LEAST_QUOTA`] characters of three bytes fits.
pub const LEAST_KEPT: usize = 64 << 10;

/// The keys and statuses that both directions name.
pub(super) mod words {
    pub(crate) const QUOTA: &str = "nrepl.middleware.print/quota";
    pub(crate) const TRUNCATED: &str = "nrepl.middleware.print/truncated";
    pub(crate) const TRUNCATED_KEYS: &str = "nrepl.middleware.print/truncated-keys";
    pub(crate) const PRINT_THROWABLE: &str = "nrepl.middleware.caught/print?";
    pub(crate) const THROWABLE: &str = "nrepl.middleware.caught/throwable";
}
