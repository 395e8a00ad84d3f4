//! The names of the sidecar's environment variables, never their values.

use rhai::{Array, Dynamic};

/// More names than this are left out.
const NAMES: usize = 1000;

pub(super) fn register(rhai: &mut rhai::Engine) {
    rhai.register_fn("env_names", env_names);
}

fn env_names() -> Array {
    let mut names: Vec<String> =
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names.into_iter().take(NAMES).map(Dynamic::from).collect()
}
