//! An exception as Clojure prints it, `#error {:cause "…" :via […] :trace […]}`.
//!
//! The text may be cut anywhere and hold anything: what can be read is taken, the rest counts as
//! not told. Source: `clojure.core/print-throwable` and `Throwable->map`.

mod form;

use std::sync::Arc;

use prepl_core::Raised;

use form::Form;

/// Frames of a trace that are kept; the innermost tell most.
const MAX_FRAMES: usize = 64;
/// Most bytes of a class, a frame or a phase.
const MAX_NAME: usize = 512;
/// Most bytes of a message.
const MAX_MESSAGE: usize = 8 << 10;

/// Reads a printed exception: class and message of its root cause, phase and trace.
///
/// `None` when the text is no printed exception.
pub fn read(text: &str) -> Option<Raised> {
    let error = form::read(text.trim_start().strip_prefix("#error")?)?;
    let causes = error.get(":via").map(Form::items).unwrap_or_default();
    let root = causes.last();
    let message = error.get(":cause").or_else(|| root?.get(":message"));
    let trace = error.get(":trace").map(Form::items).unwrap_or_default();
    let outermost = causes.first();
    let phase = outermost.and_then(phase).unwrap_or("execution");
    let place = outermost.filter(|_| phase != "execution").and_then(place).unwrap_or_default();
    Some(Raised {
        class: name(root.and_then(|root| root.get(":type")).map_or("", Form::text)),
        message: sentence(&format!("{}{place}", message.map_or("", Form::text))),
        phase: name(phase),
        trace: trace.iter().take(MAX_FRAMES).map(frame).collect(),
    })
}

/// The text, cut to the length of a name.
pub(super) fn name(text: &str) -> Arc<str> {
    cut(text, MAX_NAME)
}

/// The text, cut to the length of a message.
pub(super) fn sentence(text: &str) -> Arc<str> {
    cut(text, MAX_MESSAGE)
}

fn cut(text: &str, most: usize) -> Arc<str> {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default().into()
}

/// `:clojure.error/phase` of the outermost exception; what ran has none.
fn phase<'a>(outermost: &'a Form<'_>) -> Option<&'a str> {
    let data = outermost.get(":data")?;
    data.get_in("clojure.error", "phase")?.text().strip_prefix(':')
}

/// Where in a file a text cannot be read or compiled. What was typed has no file.
fn place(outermost: &Form<'_>) -> Option<String> {
    let told = |key| outermost.get(":data")?.get_in("clojure.error", key).map(Form::text);
    let typed = ["", "REPL", "NO_SOURCE_PATH", "NO_SOURCE_FILE"];
    let (file, line) = (told("source").filter(|file| !typed.contains(file))?, told("line")?);
    let column = told("column").map(|column| format!(", column {column}")).unwrap_or_default();
    Some(format!(" ({file}, line {line}{column})"))
}

/// `[class method "file" line]` in the form of a Java trace.
fn frame(frame: &Form<'_>) -> Arc<str> {
    match frame.items() {
        [class, method, file, line] => {
            name(&format!("{}/{} ({}:{})", class.text(), method.text(), file.text(), line.text()))
        }
        parts => name(&parts.iter().map(Form::text).collect::<Vec<_>>().join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMPILE: &str = r#"#error {
 :cause "Unable to resolve symbol: nope in this \"context\""
 :via
 [{:type clojure.lang.Compiler$CompilerException
   :message "Syntax error compiling at (REPL:1:1)."
   :data #:clojure.error{:phase :compile-syntax-check, :line 1, :source "REPL"}
   :at [clojure.lang.Compiler analyze "Compiler.java" 6825]}
  {:type java.lang.RuntimeException
   :message "Unable to resolve symbol: nope in this context"
   :at [clojure.lang.Util runtimeException "Util.java" 221]}]
 :trace
 [[clojure.lang.Util runtimeException "Util.java" 221]
  [java.lang.Thread run nil -1]]}"#;

    #[test]
    fn a_printed_exception_is_read() {
        let raised = read(COMPILE).unwrap();
        assert_eq!(&*raised.class, "java.lang.RuntimeException");
        assert_eq!(&*raised.message, "Unable to resolve symbol: nope in this \"context\"");
        assert_eq!(&*raised.phase, "compile-syntax-check");
        let frames: Vec<&str> = raised.trace.iter().map(|frame| &**frame).collect();
        let first = "clojure.lang.Util/runtimeException (Util.java:221)";
        assert_eq!(frames, [first, "java.lang.Thread/run (:-1)"]);
    }

    #[test]
    fn what_does_not_compile_in_a_file_has_a_place() {
        let of = |source: &str| read(&COMPILE.replace("\"REPL\"", source)).unwrap().message;
        let cases = [
            ("\"shop/core.clj\"", " (shop/core.clj, line 1)"),
            ("\"shop/core.clj\", :column 7", " (shop/core.clj, line 1, column 7)"),
            ("\"NO_SOURCE_PATH\"", ""),
        ];
        for (source, place) in cases {
            let message = format!("Unable to resolve symbol: nope in this \"context\"{place}");
            assert_eq!(*of(source), *message);
        }
    }

    #[test]
    fn a_phase_in_the_data_of_the_user_is_not_the_phase() {
        let thrown = r#"#error{:cause "x", :via [{:type clojure.lang.ExceptionInfo, :data {:phase :mine}}]}"#;
        assert_eq!(&*read(thrown).unwrap().phase, "execution");
        let long = r#"#error{:via [{:data {:clojure.error/phase :read-source}}]}"#;
        assert_eq!(&*read(long).unwrap().phase, "read-source");
    }

    #[test]
    fn what_is_no_printed_exception_is_none() {
        assert_eq!(read(""), None);
        assert_eq!(read("{:cause \"x\"}"), None);
        assert_eq!(read("#error"), None);
    }

    #[test]
    fn a_missing_message_is_empty() {
        assert_eq!(&*read("#error {:cause nil :via [{:type a.B}]}").unwrap().message, "");
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let deep = format!("#error {}", "{:via [".repeat(100_000));
        assert!(read(&deep).is_some());
        let long = format!("#error {{:cause \"{}\"}}", "é".repeat(100_000));
        assert!(read(&long).unwrap().message.len() <= MAX_MESSAGE);
        let wide = format!("#error {{:trace [{}]}}", "[a b \"c\" 1]".repeat(100_000));
        assert_eq!(read(&wide).unwrap().trace.len(), MAX_FRAMES);
    }

    #[test]
    fn what_nests_too_deep_does_not_hide_what_follows() {
        let (open, close) = ("[".repeat(40), "]".repeat(40));
        let text = format!("#error {{:data {open}1{close} :cause \"x\" :trace [[a b \"c\" 1]]}}");
        let raised = read(&text).unwrap();
        assert_eq!((&*raised.message, raised.trace.len()), ("x", 1));
    }

    proptest! {
        #[test]
        fn a_text_cut_anywhere_keeps_what_came_before(end in 0..COMPILE.len()) {
            let raised = read(&COMPILE[..end]).unwrap_or_default();
            let whole = read(COMPILE).unwrap();
            prop_assert!(whole.trace.len() >= raised.trace.len());
            // Half a name of a file may stand behind it.
            let message = raised.message.split(" (").next().unwrap_or_default();
            prop_assert!(whole.message.starts_with(message));
        }

        #[test]
        fn no_text_panics(text in "#error ?[\\PC\"\\\\{}\\[\\]#:]{0,200}") {
            read(&text);
        }
    }
}
