//! A program in a terminal of its own: keys go in, the screen is read.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty};

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines that scrolled away and can still be read.
const SCROLLED: usize = 1000;

/// Keys that are no characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Control and a letter.
    Control(char),
}

/// A terminal and the program in it, which ends when this is dropped.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    screen: Arc<Watched>,
}

/// What the program drew, and a word for whoever waits for a change.
struct Watched {
    parser: Mutex<vt100::Parser>,
    changed: Condvar,
}

impl Terminal {
    /// Starts a program in a terminal of that size; `prepare` gives it arguments and environment.
    pub fn start(
        program: &str,
        (rows, columns): (u16, u16),
        prepare: impl FnOnce(Command) -> Command,
    ) -> Terminal {
        let (pty, pts) = pty_process::blocking::open().expect("a terminal");
        pty.resize(Size::new(rows, columns)).expect("a size");
        let command = Command::new(program).env_clear().env("TERM", "xterm-256color");
        let child = prepare(command).spawn(pts).expect("a program");
        let parser = Mutex::new(vt100::Parser::new(cells(rows), cells(columns), SCROLLED));
        let screen = Arc::new(Watched { parser, changed: Condvar::new() });
        let pty = Arc::new(pty);
        let (reading, watched) = (Arc::clone(&pty), Arc::clone(&screen));
        std::thread::spawn(move || watched.follow(&reading));
        Terminal { pty, child, screen }
    }

    /// Types characters.
    pub fn write(&self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).expect("a terminal that takes keys");
    }

    /// Presses a key.
    pub fn press(&self, key: Key) {
        let text = match key {
            Key::Enter => "\r".to_owned(),
            Key::Tab => "\t".to_owned(),
            Key::Up => "\x1b[A".to_owned(),
            Key::Down => "\x1b[B".to_owned(),
            Key::Control(letter) => char::from(letter as u8 & 0x1f).to_string(),
        };
        self.write(&text);
    }

    /// Types a line and presses Enter.
    pub fn enter(&self, line: &str) {
        self.write(line);
        self.press(Key::Enter);
    }

    /// Makes the terminal another size, as whoever drags its window does.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.screen.parser().screen_mut().set_size(cells(rows), cells(columns));
        self.pty.resize(Size::new(rows, columns)).expect("a size");
    }

    /// Waits until the screen fulfils a condition, and gives it.
    pub fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        let mut parser = self.screen.parser();
        loop {
            let screen = text(&parser);
            if holds(&screen) {
                return screen;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} on the screen:\n{screen}");
            let waited = self.screen.changed.wait_timeout(parser, left);
            parser = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the screen shows a text, and gives the screen.
    pub fn shows(&self, wanted: &str) -> String {
        self.until(wanted, |screen| screen.contains(wanted))
    }

    /// What is on the screen, without colours and without blanks at the ends of lines.
    pub fn screen(&self) -> String {
        text(&self.screen.parser())
    }

    /// Whether anything on the screen has a colour.
    pub fn is_coloured(&self) -> bool {
        let parser = self.screen.parser();
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        let mut places =
            (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        places.any(|(row, column)| {
            let cell = screen.cell(row, column);
            cell.is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
        })
    }

    /// Row and column of the cursor.
    pub fn cursor(&self) -> (u16, u16) {
        self.screen.parser().screen().cursor_position()
    }

    /// Waits for the end of the program, and gives its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(Instant::now() < end, "it goes on:\n{}", self.screen());
            std::thread::yield_now();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watched {
    /// Draws what the program writes, until it ends.
    fn follow(&self, mut pty: &Pty) {
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = pty.read(&mut part) {
            self.parser().process(&part[..read]);
            self.changed.notify_all();
        }
    }

    fn parser(&self) -> std::sync::MutexGuard<'_, vt100::Parser> {
        self.parser.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal of some size")
}

fn text(parser: &vt100::Parser) -> String {
    let lines: Vec<_> =
        parser.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_in_and_the_screen_is_read() {
        let mut terminal = Terminal::start("/bin/sh", (10, 40), |shell| {
            shell.args(["-c", "read line; echo \"<$line>\"; stty size; read end; exit 7"])
        });
        terminal.enter("hello");
        terminal.shows("<hello>");
        terminal.shows("10 40");
        terminal.press(Key::Enter);
        assert_eq!(terminal.ended(), Some(7));
    }

    #[test]
    fn control_keys_are_what_a_keyboard_sends() {
        let mut terminal = Terminal::start("/bin/sh", (10, 40), |shell| {
            shell.args(["-c", "stty -isig -icanon -echo; echo ready; head -c 1 | od -An -tx1"])
        });
        terminal.shows("ready");
        terminal.press(Key::Control('c'));
        terminal.shows("03");
        assert_eq!(terminal.ended(), Some(0));
    }
}
