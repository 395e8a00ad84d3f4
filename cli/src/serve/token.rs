//! A secret that a client has to know, for those that can tell one.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::ids;
use crate::problem::Problem;

/// A token, and the file in which its user finds it; the file goes away with it.
pub struct Token {
    text: String,
    file: PathBuf,
}

impl Token {
    /// A new one, in a new file of a folder that its user alone can read.
    pub fn create(folder: &Path) -> Result<Token, Problem> {
        let text = ids::uuid()?;
        let file = folder.join(format!("serve-{}.token", std::process::id()));
        let wrong = |error: std::io::Error| {
            Problem::failed(format!("cannot write the token to {}: {error}", file.display()))
        };
        std::fs::create_dir_all(folder).map_err(wrong)?;
        // One of a process that ended without taking it away.
        let _ = std::fs::remove_file(&file);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        opened.and_then(|mut opened| writeln!(opened, "{text}")).map_err(wrong)?;
        Ok(Token { text, file })
    }

    /// Where its user finds it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether this is it; how long that takes tells nothing of it.
    pub fn is(&self, told: &str) -> bool {
        let same_length = told.len() == self.text.len();
        let pairs = told.bytes().zip(self.text.bytes());
        same_length && pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // It is good for nothing any more.
        let _ = std::fs::remove_file(&self.file);
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_in_a_file_of_its_users_alone_while_it_is_good() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::create(&folder.path().join("prepl")).unwrap();
        let file = token.file().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(token.is(text.trim()) && !token.is(&text) && !token.is(""));
        assert!(!format!("{token:?}").contains(text.trim()));
        drop(token);
        assert!(!file.exists());
    }
}
