//! A session: variables and functions that outlive one evaluation.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use rhai::{AST, Dynamic, Scope};

use crate::evaluation::Evaluation;
use crate::unreadable::unreadable;
use crate::{Bound, Bounds, Engine, Fault, Given, Limits, Said, Stop, Value};

/// The variables and functions of one conversation.
#[derive(Debug)]
pub struct Session {
    engine: Engine,
    scope: Scope<'static>,
    functions: AST,
}

impl Session {
    /// Starts with no variables and no functions.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine, scope: Scope::new(), functions: AST::empty() }
    }

    /// Gives scripts a variable that they cannot change.
    pub fn give(&mut self, name: &'static str, given: Given) {
        self.scope.push_constant_dynamic(name, given.into());
    }

    /// Starts to evaluate `text` on a script thread, and returns at once.
    ///
    /// A short text that is over within some 100 µs, prints nothing and looks at nothing
    /// outside runs before this returns. `listener` is called on the script thread for each word the script says; a slow one holds the
    /// script back, beyond its end. `ended` is called last, with the session and the
    /// answer, whatever happened: what the text had changed until then is kept.
    /// Without a free thread it is called before this returns, with
    /// [`Fault::NoThread`]. The script ends by itself, by `bounds` and the limits of
    /// the engine, or by `stop`; the wall time counts from this call.
    pub fn start(
        mut self,
        text: Arc<str>,
        bounds: Bounds,
        stop: Stop,
        listener: impl FnMut(Said) + Send + 'static,
        ended: impl FnOnce(Session, Result<Value, Fault>) + Send + 'static,
    ) {
        let engine = self.engine.clone();
        let bounds = bounds.at_most(engine.limits());
        if !stop.is_stopped()
            && let Some(answer) = self.try_here(&text, &bounds)
        {
            drop(listener);
            return ended(self, answer);
        }
        let (listener, ended) = (Box::new(listener), Box::new(ended));
        let deadline = Instant::now() + bounds.wall;
        let evaluation =
            Evaluation { session: self, text, bounds, deadline, stop, listener, ended };
        if let Err(evaluation) = engine.threads().run(Box::new(evaluation)) {
            evaluation.refuse();
        }
    }

    /// The answer, if the text needs no thread; nothing has happened otherwise.
    fn try_here(&mut self, text: &str, bounds: &Bounds) -> Option<Result<Value, Fault>> {
        let is_new = self.scope.is_empty() && !self.functions.has_functions();
        if !is_new || text.len() > self.limits().text_bytes {
            return None;
        }
        let (value, scope) = self.engine.trial().run(text)?;
        self.scope = scope;
        Some(self.tidy().map(|()| Value::print(&value, bounds.value_bytes)))
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    /// Evaluates on this thread, whose stack must be as deep as a script may need.
    pub(crate) fn evaluate(&mut self, text: &str, bounds: &Bounds) -> Result<Value, Fault> {
        let program = self.read(text)?;
        let result = self.engine.rhai().eval_ast_with_scope::<Dynamic>(&mut self.scope, &program);
        match result {
            Ok(value) => Ok(Value::print(&value, bounds.value_bytes)),
            Err(error) => Err(Fault::from_run(*error, bounds)),
        }
    }

    /// Forgets what a session may not keep.
    pub(crate) fn tidy(&mut self) -> Result<(), Fault> {
        self.forget_shadowed();
        if self.forget_oversized() {
            return Err(Fault::TooMuch(Bound::ValueSize));
        }
        Ok(())
    }

    /// Reads `text` and keeps its functions; the program knows the earlier ones too.
    fn read(&mut self, text: &str) -> Result<AST, Fault> {
        let limits = self.engine.limits();
        if text.len() > limits.text_bytes {
            return Err(Fault::TooMuch(Bound::Text));
        }
        let program = self.engine.rhai().compile(text).map_err(|error| unreadable(text, &error))?;
        if !self.functions.has_functions() && !program.has_functions() {
            return Ok(program);
        }
        let functions = self.functions.merge(&program.clone_functions_only());
        if functions.iter_functions().count() > limits.functions {
            return Err(Fault::TooMuch(Bound::Functions));
        }
        self.functions = functions;
        Ok(self.functions.merge(&program))
    }

    /// Drops variables that a later `let` of the same name hides, lest they add up.
    fn forget_shadowed(&mut self) {
        let names: HashSet<&str> = self.scope.iter_raw().map(|(name, ..)| name).collect();
        if names.len() == self.scope.len() {
            return;
        }
        let mut seen = HashSet::new();
        let all: Vec<_> = std::mem::take(&mut self.scope).into_iter().collect();
        let mut kept: Vec<_> =
            all.into_iter().rev().filter(|(name, ..)| seen.insert(name.clone())).collect();
        while let Some((name, value, _)) = kept.pop() {
            self.scope.push_dynamic(name, value);
        }
    }

    /// Drops variables that slipped past Rhai's own size checks; true if there were any.
    ///
    /// Rhai does not look at a map that grows by `map[key] = value`, and a value that
    /// grew without end over many evaluations would outgrow the stack.
    fn forget_oversized(&mut self) -> bool {
        let limits = self.engine.limits();
        let most = limits.array_size.saturating_add(limits.map_size);
        if self.scope.iter_raw().all(|(_, _, value)| is_within(value, most)) {
            return false;
        }
        for (name, value, _) in std::mem::take(&mut self.scope) {
            if is_within(&value, most) {
                self.scope.push_dynamic(name, value);
            }
        }
        true
    }
}

/// Whether a value has at most `most` parts, however deep they lie.
fn is_within(value: &Dynamic, most: usize) -> bool {
    parts_left(value, most).is_some()
}

/// Recursion is safe on the evaluation's own stack: it goes no deeper than `left`.
fn parts_left(value: &Dynamic, left: usize) -> Option<usize> {
    if let Ok(array) = value.as_array_ref() {
        let left = left.checked_sub(array.len())?;
        return array.iter().try_fold(left, |left, part| parts_left(part, left));
    }
    if let Ok(map) = value.as_map_ref() {
        let left = left.checked_sub(map.len())?;
        return map.values().try_fold(left, |left, part| parts_left(part, left));
    }
    Some(left)
}

impl Drop for Session {
    /// Takes deep values apart level by level, whatever the caller's stack.
    fn drop(&mut self) {
        let scope = std::mem::take(&mut self.scope);
        let mut values: Vec<Dynamic> = scope.into_iter().map(|(_, value, _)| value).collect();
        while let Some(value) = values.pop() {
            if value.is_array() {
                values.extend(value.into_array().unwrap_or_default());
            } else if let Some(map) = value.try_cast::<rhai::Map>() {
                values.extend(map.into_values());
            }
        }
    }
}
