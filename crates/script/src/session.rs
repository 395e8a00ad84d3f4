//! A session: variables and functions that outlive one evaluation.

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;
use std::thread;

use rhai::{AST, Dynamic, Scope};

use crate::fault::{Bound, Fault};
use crate::turn::{Said, Turn};
use crate::unreadable::unreadable;
use crate::{Engine, Stop, Value};

/// Rhai drops, compares and prints by recursion, and a value may nest as deep as
/// its array and map limits together allow; a debug build needs some 5 KiB a level.
/// Only what is touched becomes memory.
const STACK_BYTES: usize = 256 << 20;

/// Words on their way to the listener; a full queue holds the script back.
const SAID_QUEUE: usize = 16;

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

    /// Evaluates `text` and hands what it prints to `listener` as it happens.
    ///
    /// Blocks until the end, which the limits and `stop` bring about. A `listener`
    /// that is slow holds the script back.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; what the text had changed until then is kept.
    pub fn evaluate(
        &mut self,
        text: &str,
        stop: &Stop,
        listener: &mut dyn FnMut(Said),
    ) -> Result<Value, Fault> {
        let (said_to_listener, said_by_script) = sync_channel(SAID_QUEUE);
        let turn = Turn::new(self.engine.limits(), stop.clone(), said_to_listener);
        thread::scope(|scope| {
            let evaluation = thread::Builder::new()
                .name("prepl-script".to_owned())
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, || {
                    turn.begin();
                    self.evaluate_here(text)
                })
                .map_err(|_| Fault::NoThread)?;
            // Ends when the turn, and with it the sender, is dropped.
            said_by_script.into_iter().for_each(listener);
            evaluation.join().unwrap_or(Err(Fault::Broke))
        })
    }

    fn evaluate_here(&mut self, text: &str) -> Result<Value, Fault> {
        let program = self.read(text)?;
        let limits = self.engine.limits();
        let result = self.engine.rhai().eval_ast_with_scope::<Dynamic>(&mut self.scope, &program);
        let answer = match result {
            Ok(value) => Ok(Value::print(&value, limits.value_bytes)),
            Err(error) => Err(Fault::from_run(*error, limits)),
        };
        self.forget_shadowed();
        if self.forget_oversized() {
            return Err(Fault::TooMuch(Bound::ValueSize));
        }
        answer
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
