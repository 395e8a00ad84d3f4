//! Lines of a file, one at a time, in bounded memory.

use std::io::{self, BufRead, BufReader, Read};

/// Reads lines up to a length.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    longest: usize,
    line: Vec<u8>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A whole line, without its end.
    Line(&'a [u8]),
    /// The file ends with so many bytes that are no whole line.
    Torn(u64),
    /// A line that is too long.
    TooLong,
    /// The file ends.
    End,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R, longest: usize) -> Lines<R> {
        Lines { reader: BufReader::with_capacity(64 << 10, reader), longest, line: Vec::new() }
    }

    pub(crate) fn next(&mut self) -> io::Result<Next<'_>> {
        self.line.clear();
        let bounded = self.longest as u64 + 1;
        self.reader.by_ref().take(bounded).read_until(b'\n', &mut self.line)?;
        Ok(match self.line.split_last() {
            None => Next::End,
            Some((b'\n', line)) => Next::Line(line),
            Some(_) if self.line.len() > self.longest => Next::TooLong,
            Some(_) => Next::Torn(self.line.len() as u64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_torn_ends_and_long_lines_are_told_apart() {
        let mut lines = Lines::new(&b"ab\n\nabc\nab"[..], 3);
        assert_eq!(lines.next().unwrap(), Next::Line(b"ab"));
        assert_eq!(lines.next().unwrap(), Next::Line(b""));
        assert_eq!(lines.next().unwrap(), Next::Line(b"abc"));
        assert_eq!(lines.next().unwrap(), Next::Torn(2));
        assert_eq!(lines.next().unwrap(), Next::End);
        assert_eq!(Lines::new(&b"abcd\n"[..], 3).next().unwrap(), Next::TooLong);
    }
}
