//! A script that is over in microseconds runs where it is asked for: to wake a thread costs more.
//!
//! Each new session's short text is tried first, in an engine that knows no loops, no functions of
//! the script's own, nothing to see and nothing to print. So each part of the text runs at most
//! once, no value nests deeper than the text is long, and nothing is touched: a trial that does not
//! end with a value leaves no trace, and the text runs from its start on a thread.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rhai::{AST, Dynamic, Scope};

use crate::Limits;
use crate::engine::add_language;
use crate::text;

/// Bytes of the longest text that is tried; a stack of 1 MiB is enough for it, also in debug builds.
const TEXT_BYTES: usize = 256;

/// The clock is asked before each step, and a step takes no longer than all before it together:
/// at worst it copies what they made.
const TIME: Duration = Duration::from_micros(100);

thread_local! {
    /// When the trial on this thread ends; `None` once it has failed.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The engine for trials.
#[derive(Debug)]
pub(crate) struct Trial(rhai::Engine);

/// The value of a text, and the variables that it left.
pub(crate) type Passed = (Dynamic, Scope<'static>);

impl Trial {
    /// A trial stays within `limits`, and within its own smaller ones.
    pub(crate) fn new(limits: &Limits) -> Self {
        let limits = small(limits);
        let mut rhai = rhai::Engine::new_raw();
        add_language(&mut rhai);
        limits.apply(&mut rhai);
        text::register(&mut rhai, limits.string_bytes);
        rhai.set_allow_looping(false).set_allow_anonymous_fn(false);
        rhai.disable_symbol("fn");
        // Whatever fails here may not fail on a thread, so no script may notice.
        rhai.disable_symbol("try");
        rhai.on_progress(|_| is_over().then_some(Dynamic::UNIT));
        rhai.on_print(|_| UNTIL.set(None));
        rhai.on_debug(|_, _, _| UNTIL.set(None));
        Self(rhai)
    }

    /// Evaluates `text` for a session that knows nothing yet, if that takes next to nothing.
    pub(crate) fn run(&self, text: &str) -> Option<Passed> {
        if text.len() > TEXT_BYTES {
            return None;
        }
        let program = self.0.compile(text).ok()?;
        UNTIL.set(Some(Instant::now() + TIME));
        let passed = catch_unwind(AssertUnwindSafe(|| self.evaluate(&program))).ok().flatten();
        passed.filter(|_| UNTIL.take().is_some())
    }

    fn evaluate(&self, program: &AST) -> Option<Passed> {
        let mut scope = Scope::new();
        let value = self.0.eval_ast_with_scope(&mut scope, program).ok()?;
        Some((value, scope))
    }
}

fn is_over() -> bool {
    UNTIL.get().is_none_or(|until| Instant::now() > until)
}

fn small(limits: &Limits) -> Limits {
    Limits {
        operations: limits.operations.min(256),
        string_bytes: limits.string_bytes.min(256),
        array_size: limits.array_size.min(32),
        map_size: limits.map_size.min(32),
        expression_depth: limits.expression_depth.min(16),
        call_levels: limits.call_levels.min(4),
        variables: limits.variables.min(16),
        ..limits.clone()
    }
}

#[cfg(test)]
#[path = "trial_tests.rs"]
mod tests;
