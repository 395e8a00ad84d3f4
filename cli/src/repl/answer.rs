//! The answers of one evaluation, in as few lines as they need.

use prepl_core::{Answer, Class, Done};

use crate::render::page::{Ink, Page};
use crate::render::{Results, View, closing, fold, group};

/// Renders the answers and what has to be said about them.
pub fn render(results: &Results, view: View) -> String {
    let answers = one(results, view.colour)
        .or_else(|| same(results, view.colour))
        .unwrap_or_else(|| fold::render(results, view));
    answers + closing::remarks(results, view.colour).as_str()
}

/// The results but for what was printed, which is on the screen already: equal values are then one
/// answer.
pub fn without_output(results: &Results) -> Results {
    let silent = |answer: &Answer| Answer {
        output: Vec::new(),
        done: Done { output_bytes: 0, ..answer.done.clone() },
        ..answer.clone()
    };
    Results::new(
        results.selection.clone(),
        results.answers.iter().map(silent).collect(),
        results.summary.clone(),
        results.run,
        results.request,
        results.folded.comparison,
    )
}

/// A lone replica's answer is as any REPL shows it.
fn one(results: &Results, colour: bool) -> Option<String> {
    let [only] = &results.answers[..] else { return None };
    let ok = results.folded.ok.first().filter(|_| only.class() == Class::Ok)?;
    let mut page = Page::new(colour);
    group::answer(&mut page, results, ok);
    Some(page.finish())
}

/// A short value that all have in common needs one line.
fn same(results: &Results, colour: bool) -> Option<String> {
    let [all] = &results.folded.ok[..] else { return None };
    let whole = all.members.len() == results.selection.len();
    let value = group::short(all, results.folded.comparison).filter(|_| whole)?;
    let count = all.members.len();
    let mut page = Page::new(colour);
    page.put(Ink::Good, "●").put(Ink::Plain, &format!(" {count}/{count} same   {value}")).end();
    Some(page.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use prepl_core::{Outcome, Stream};

    use crate::render::example;
    use crate::render::page::Seat;

    const VIEW: View =
        View { colour: false, on_terminal: true, max_groups: 10, seat: Seat::Prompt };

    fn shown(answers: Vec<Answer>) -> String {
        let results = example::results(example::api_fleet(answers.len()), answers);
        render(&results, VIEW)
    }

    #[test]
    fn equal_answers_are_one_line() {
        assert_eq!(shown(vec![example::ok("42"); 12]), "● 12/12 same   42\n");
    }

    #[test]
    fn a_lone_replica_answers_as_any_repl() {
        assert_eq!(shown(vec![example::ok("42")]), "42\n");
        let printing = example::printing(example::ok("nil"), Stream::Out, "hi\n");
        assert_eq!(shown(vec![printing]), "out │ hi\nnil\n");
    }

    #[test]
    fn what_was_printed_or_is_long_has_lines_of_its_own() {
        let printing = example::printing(example::ok("nil"), Stream::Out, "hi\n");
        assert_eq!(shown(vec![printing; 2]), "● 2/2 same\nout │ hi\nnil\n");
        let long = "x".repeat(100);
        assert_eq!(shown(vec![example::ok(&long); 2]), format!("● 2/2 same\n{long}\n"));
    }

    #[test]
    fn what_was_shown_as_it_came_is_not_repeated() {
        let said = |text| example::printing(example::ok("nil"), Stream::Out, text);
        let results = example::results(example::api_fleet(2), vec![said("a\n"), said("b\n")]);
        let screen = render(&without_output(&results), VIEW);
        assert_eq!(screen, "● 2/2 same   nil\n");
    }

    #[test]
    fn who_has_just_asked_again_is_not_told_to() {
        let answers = vec![example::ended(Outcome::unknown("30 s passed"))];
        let results = example::results(example::api_fleet(1), answers);
        assert!(render(&results, VIEW).contains(":recall"));
        let screen = render(&results, View { seat: Seat::Recalled, ..VIEW });
        assert!(screen.contains("do not repeat it blindly") && !screen.contains("run nothing"));
    }

    #[test]
    fn who_did_not_answer_is_told_and_counted() {
        let answers = vec![
            example::ok("1"),
            example::ok("1"),
            example::ended(Outcome::unknown("30 s passed")),
        ];
        insta::assert_snapshot!(shown(answers), @r"
        ● 2 of 3 replicas same
        1

        ? unknown  1 replica   v2.41.0   zone c
           api-6f7c9-02
           30 s passed
           it may have run: do not repeat it blindly
           to ask for this answer and run nothing: :recall   (request abababababababababababababababab)
        2 ok · 1 unknown         p50 8 ms   max 9 ms   skew 11 ms   run 7Q4K2BBC
        ");
    }

    #[test]
    fn notices_are_told() {
        let mut answer = example::ok("1");
        answer.notices.push("nothing keeps it from writing".into());
        assert!(shown(vec![answer; 2]).ends_with("same   1\n· nothing keeps it from writing\n"));
    }
}
