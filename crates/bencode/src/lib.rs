//! Bencode, bounded and incremental, as nREPL uses it.
