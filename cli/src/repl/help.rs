//! `:help`: everything the prompt can do, on one screen.

/// The screen.
pub const SCREEN: &str = "\
An expression goes to every replica, in one session that is kept on each. Enter
sends it once its brackets are closed. Tab completes, Ctrl-R searches the
history, Ctrl-C interrupts; a second one leaves what does not stop.

  :all                each replica's last answer
  :diff               what differs between the last answers
  :recall             asks for the last answers again, and runs nothing
  :save FILE|NAME     keeps the last answers as JSON, for you alone to read
  :w QUERY            asks some alone: zone=c, app=api, api-1 api-3, --pick 1
  :w                  asks all again
  :who                who is asked, and how
  :members            each of them
  :ns                 the namespace of the session
  :read-only on|off   whether something must keep evaluations from writing
  :timeout 30s        the longest time of an evaluation; alone, these two tell
  :help, :quit        this, and the end, as Ctrl-D

A line that begins with a space is kept in no history. To evaluate a lone
keyword, write (do :key).
";

#[cfg(test)]
mod tests {
    use super::SCREEN;
    use crate::repl::command::WORDS;

    #[test]
    fn it_fits_a_screen_and_names_every_command() {
        assert!(SCREEN.lines().count() <= 23, "a terminal has 24 lines");
        assert!(SCREEN.lines().all(|line| line.len() <= 80));
        let missing = WORDS.into_iter().find(|word| *word != ":exit" && !SCREEN.contains(word));
        assert_eq!(missing, None);
    }
}
