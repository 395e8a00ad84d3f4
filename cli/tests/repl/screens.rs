//! The screens of docs/repl.md: what the tests saw on their terminals.
//!
//! `UPDATE_SCREENS=1` writes them anew, there and into the page.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use regex_lite::Regex;

/// One writer of the page at a time.
static WRITING: Mutex<()> = Mutex::new(());

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn place(name: &str) -> PathBuf {
    docs().join(format!("screens/repl-{name}.txt"))
}

/// Fails when a screen is another one than the page shows.
pub fn compare(name: &str, screen: &str) {
    let screen = masked(screen) + "\n";
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::create_dir_all(docs().join("screens")).unwrap();
        std::fs::write(place(name), &screen).unwrap();
        return into_page(name, &screen);
    }
    let expected = std::fs::read_to_string(place(name)).unwrap_or_default();
    assert_eq!(
        screen, expected,
        "the screen {name} is another one; UPDATE_SCREENS=1 writes it anew"
    );
}

/// The screen with figures in place of what differs from time to time.
fn masked(screen: &str) -> String {
    let masks = [
        (r"\d+(\.\d+)? (µs|ms|s)\b", "9 ms"),
        (r"run [0-9A-Z]{8}\b", "run 7Q4K9ABC"),
        (r"\b0x[0-9a-f]+\b", "0x5c2a9d1e"),
        (r"\b[0-9a-f]{32}\b", "0123456789abcdef0123456789abcdef"),
    ];
    masks.into_iter().fold(screen.to_owned(), |text, (pattern, figure)| {
        Regex::new(pattern).unwrap().replace_all(&text, figure).into_owned()
    })
}

fn mark(name: &str) -> String {
    format!("<!-- docs/screens/repl-{name}.txt -->\n```\n")
}

fn into_page(name: &str, screen: &str) {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let page = docs().join("repl.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let mark = mark(name);
    let Some((before, rest)) = text.split_once(&mark) else { panic!("the page has no {mark}") };
    let (_, after) = rest.split_once("```\n").unwrap();
    std::fs::write(page, format!("{before}{mark}{screen}```\n{after}")).unwrap();
}

#[test]
fn the_page_shows_every_screen_as_it_is() {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let page = std::fs::read_to_string(docs().join("repl.md")).unwrap();
    let mut screens = 0;
    for entry in std::fs::read_dir(docs().join("screens")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let Some(name) = file.strip_prefix("repl-") else { continue };
        let block = format!("{}{}```\n", mark(name), std::fs::read_to_string(&path).unwrap());
        assert!(page.contains(&block), "docs/repl.md shows another {}", path.display());
        screens += 1;
    }
    assert_eq!(page.matches("<!-- docs/screens/").count(), screens, "every screen has its file");
}

#[test]
fn what_varies_is_masked() {
    let screen =
        "3 ok   p50 8 ms   max 1.2 s   run ABCD2345\n--request-id 00ff00ff00ff00ff00ff00ff00ff00ff";
    assert_eq!(
        masked(screen),
        "3 ok   p50 9 ms   max 9 ms   run 7Q4K9ABC\n\
         --request-id 0123456789abcdef0123456789abcdef"
    );
}
