use std::sync::Arc;

use steel::SteelVal;
use steel::rerrs::SteelErr;
use steel::steel_vm::engine::Engine;

use crate::functions::{self, SharedStore};
use crate::interrupt::Interrupt;
use crate::output::Output;

/// The Steel that is built in; the manifest pins it.
pub(crate) const STEEL_VERSION: &str = "0.8.3";

/// One Scheme engine over the shared store. It stays on the thread that started it.
pub(crate) struct Scheme(Engine);

/// What an engine works with.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: SharedStore,
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) output: Output,
}

/// What an evaluation raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raised {
    /// The kind of error, such as `TypeMismatch`.
    pub(crate) class: String,
    pub(crate) message: String,
}

impl Scheme {
    /// Starts an engine: 0.1 s of work in a release build, 1.5 s in a debug build.
    pub(crate) fn start(context: &Context) -> Scheme {
        let mut engine = Engine::new_sandboxed();
        functions::register(&mut engine, &context.store, &context.interrupt);
        print_to(&mut engine, context.output.clone());
        context.interrupt.reach(engine.get_thread_state_controller());
        Scheme(engine)
    }

    /// Evaluates the text of one form.
    pub(crate) fn eval(&mut self, form: &str) -> Result<SteelVal, Raised> {
        let values = self.0.compile_and_run_raw_program(form.to_owned())?;
        Ok(values.into_iter().next_back().unwrap_or(SteelVal::Void))
    }
}

fn print_to(engine: &mut Engine, output: Output) {
    engine.register_value("*session-output*", SteelVal::new_dyn_writer_port(output));
    for parameter in ["current-output-port", "current-error-port"] {
        let redirect = format!("({parameter} *session-output*)");
        let redirected = engine.compile_and_run_raw_program(redirect);
        debug_assert!(redirected.is_ok(), "{parameter} takes a port");
    }
}

impl Raised {
    /// A program that nests too deeply for the compiler.
    pub(crate) fn too_deep() -> Raised {
        let message = "the program nests deeper than 500 levels; write it flatter";
        Raised { class: "TooDeep".into(), message: message.into() }
    }

    /// The engine panicked; `assert!` for one does that on purpose.
    pub(crate) fn broken_engine() -> Raised {
        let message = "the Scheme engine broke on this and was started again; definitions are lost";
        Raised { class: "EngineBroke".into(), message: message.into() }
    }
}

impl From<SteelErr> for Raised {
    fn from(error: SteelErr) -> Raised {
        let class = format!("{:?}", error.kind());
        let text = error.to_string();
        let prefix = format!("Error: {class}: ");
        let message = text.strip_prefix(&prefix).unwrap_or(&text).trim().to_owned();
        Raised { class, message }
    }
}
