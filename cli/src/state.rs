//! The user's own folders: for what outlives a command, and for what he sets.

use std::ffi::OsString;
use std::path::PathBuf;

/// `$XDG_STATE_HOME/prepl`, else `~/.local/state/prepl`; `None` for a user without a home.
///
/// Source: XDG Base Directory Specification 0.8.
pub fn folder() -> Option<PathBuf> {
    of(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"), ".local/state")
}

/// `$XDG_CONFIG_HOME/prepl`, else `~/.config/prepl`.
pub fn configuration() -> Option<PathBuf> {
    of(std::env::var_os("XDG_CONFIG_HOME"), std::env::var_os("HOME"), ".config")
}

fn of(named: Option<OsString>, home: Option<OsString>, usual: &str) -> Option<PathBuf> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|one| one.is_absolute());
    let folder = absolute(named).or_else(|| Some(absolute(home)?.join(usual)));
    folder.map(|folder| folder.join("prepl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_absolute_or_there_is_none() {
        let text = |text: &str| Some(OsString::from(text));
        let folder =
            |state, home| of(state, home, ".local/state").map(|path| path.display().to_string());
        assert_eq!(folder(text("/s"), text("/h")).as_deref(), Some("/s/prepl"));
        assert_eq!(folder(text("s"), text("/h")).as_deref(), Some("/h/.local/state/prepl"));
        assert_eq!(folder(None, text("h")), None);
        assert_eq!(folder(None, None), None);
    }
}
