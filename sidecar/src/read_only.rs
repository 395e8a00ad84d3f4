//! What is said of read-only evaluations.
//!
//! Nothing here looks at what an expression does: Clojure cannot be kept from writing by looking at
//! it. What keeps it is a database that refuses, within a function of the app; so this is said to
//! whoever asks, and where there is no such function the evaluation is refused.

use std::sync::Arc;

use prepl_core::read_only::Keeper;

/// Why a read-only evaluation is refused where nothing keeps it from writing.
pub const NO_KEEPER: &str = "nothing keeps this REPL from writing, so it evaluates nothing \
    read-only; leave --read-only out, or give a Clojure REPL a function that does: docs/read-only.md";

/// Why no whole file is loaded read-only.
pub const LOADING_WRITES: &str =
    "to load a file is to write: it changes the code of the app; leave --read-only out";

/// What a person should know of an evaluation that was kept from writing.
pub fn notice(keeper: &Keeper) -> Arc<str> {
    match keeper {
        Keeper::Engine => "read-only: the engine has nothing that writes".into(),
        Keeper::Function(name) => format!(
            "read-only within {name}: what its database refuses is not written; nothing keeps \
             memory, other threads, other connections or other systems"
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_said() {
        let words = notice(&Keeper::Function("shop.db/read-only".parse().unwrap()));
        assert!(
            words.contains("within shop.db/read-only") && words.contains("nothing keeps memory")
        );
    }
}
