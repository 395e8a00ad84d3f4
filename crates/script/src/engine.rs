//! The engine that all sessions share.

use std::sync::Arc;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicBlobPackage, BasicFnPackage, BasicIteratorPackage,
    BasicMapPackage, BasicMathPackage, BasicStringPackage, BasicTimePackage, BitFieldPackage,
    LogicPackage, MoreStringPackage, Package,
};

use crate::evaluation::Evaluation;
use crate::threads::Threads;
use crate::trial::Trial;
use crate::{Limits, Sight, sight, text, turn};

/// The engine all sessions share; a clone is the same engine.
///
/// To make one costs some 100 µs, so keep it.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rhai: rhai::Engine,
    trial: Trial,
    limits: Limits,
    threads: Threads<Evaluation>,
}

impl Engine {
    /// Makes an engine whose scripts see `sight` and stay within `limits`.
    #[must_use]
    pub fn new(sight: Sight, limits: Limits) -> Self {
        let mut rhai = rhai::Engine::new_raw();
        add_language(&mut rhai);
        limits.apply(&mut rhai);
        text::register(&mut rhai, limits.string_bytes);
        sight::register(&mut rhai, sight);
        rhai.on_progress(turn::progress);
        rhai.on_print(turn::say);
        rhai.on_debug(|text, _, _| turn::say(text));
        let trial = Trial::new(&limits);
        Self(Arc::new(Inner { rhai, trial, limits, threads: Threads::new() }))
    }

    /// The limits of every evaluation.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn rhai(&self) -> &rhai::Engine {
        &self.0.rhai
    }

    pub(crate) fn trial(&self) -> &Trial {
        &self.0.trial
    }

    pub(crate) fn threads(&self) -> &Threads<Evaluation> {
        &self.0.threads
    }
}

/// Adds the packages, all but the one that has `sleep` in it.
pub(crate) fn add_language(rhai: &mut rhai::Engine) {
    ArithmeticPackage::new().register_into_engine(rhai);
    BasicArrayPackage::new().register_into_engine(rhai);
    BasicBlobPackage::new().register_into_engine(rhai);
    BasicFnPackage::new().register_into_engine(rhai);
    BasicIteratorPackage::new().register_into_engine(rhai);
    BasicMapPackage::new().register_into_engine(rhai);
    BasicMathPackage::new().register_into_engine(rhai);
    BasicStringPackage::new().register_into_engine(rhai);
    BasicTimePackage::new().register_into_engine(rhai);
    BitFieldPackage::new().register_into_engine(rhai);
    LogicPackage::new().register_into_engine(rhai);
    MoreStringPackage::new().register_into_engine(rhai);
    rhai.disable_symbol("eval");
    // A function pointer may curry itself, and Rhai does not count what it holds.
    rhai.disable_symbol("curry");
}
