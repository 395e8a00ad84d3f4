use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steel::rerrs::{ErrorKind, SteelErr};
use steel::rvals::IntoSteelVal;
use steel::steel_vm::engine::Engine;
use steel::steel_vm::register_fn::RegisterFn;
use steel::{SteelVal, rvals::Result};

use crate::interrupt::Interrupt;
use crate::store::{Store, UserSession};

/// The most sessions that `(sessions)` lists.
const MAX_LISTED: usize = 50;
/// The longest sleep: an hour, in milliseconds.
const MAX_SLEEP_MS: u64 = 3_600_000;

/// The store as all engines share it.
pub(crate) type SharedStore = Arc<Mutex<Store>>;

/// Makes the functions of the service visible to Scheme.
pub(crate) fn register(engine: &mut Engine, store: &SharedStore, interrupt: &Arc<Interrupt>) {
    register_questions_about_sessions(engine, store);
    register_questions_about_the_replica(engine, store);
    let interrupt = interrupt.clone();
    engine.register_fn("sleep-ms", move |ms: SteelVal| sleep(&interrupt, whole(&ms)?));
}

fn register_questions_about_sessions(engine: &mut Engine, store: &SharedStore) {
    let s = store.clone();
    engine.register_fn("count-sessions", move || lock(&s).sessions().len());
    let s = store.clone();
    engine.register_fn("sessions", move || -> Result<Vec<SteelVal>> {
        lock(&s).sessions().iter().take(MAX_LISTED).map(|(id, it)| describe(id, it)).collect()
    });
    let s = store.clone();
    engine.register_fn("session", move |id: String| match lock(&s).sessions().get(&id) {
        Some(found) => describe(&id, found),
        None => Ok(SteelVal::BoolV(false)),
    });
    let s = store.clone();
    engine.register_fn("expire-sessions!", move |seconds: SteelVal| -> Result<usize> {
        let seconds = whole(&seconds)?;
        Ok(lock(&s).expire(seconds))
    });
}

fn register_questions_about_the_replica(engine: &mut Engine, store: &SharedStore) {
    let s = store.clone();
    engine.register_fn("version", move || lock(&s).config().version.clone());
    let s = store.clone();
    engine.register_fn("zone", move || lock(&s).config().zone.clone());
    let s = store.clone();
    engine.register_fn("feature?", move |name: SteelVal| match &name {
        SteelVal::SymbolV(name) | SteelVal::StringV(name) => {
            Ok(lock(&s).config().features.iter().any(|feature| feature == name.as_str()))
        }
        _ => Err(type_mismatch("feature? takes a symbol, as in (feature? 'new-cart)")),
    });
    let s = store.clone();
    engine.register_fn("cache-info", move || {
        let store = lock(&s);
        let config = store.config();
        hash([
            ("gen", config.cache_generation.into_steelval()?),
            ("size", config.cache_size.into_steelval()?),
            ("ttl", config.cache_ttl.into_steelval()?),
        ])
    });
}

/// Waits, and ends early with an error when the evaluation is interrupted.
fn sleep(interrupt: &Interrupt, ms: u64) -> Result<()> {
    if interrupt.wait(Duration::from_millis(ms.min(MAX_SLEEP_MS))) {
        return Err(SteelErr::new(ErrorKind::Generic, "sleep interrupted".into()));
    }
    Ok(())
}

fn describe(id: &str, session: &UserSession) -> Result<SteelVal> {
    hash([
        ("id", id.into_steelval()?),
        ("user", session.user.into_steelval()?),
        ("idle", session.idle_seconds.into_steelval()?),
        ("cart", session.cart.into_steelval()?),
    ])
}

fn hash<const N: usize>(pairs: [(&str, SteelVal); N]) -> Result<SteelVal> {
    let pairs = pairs.map(|(key, value)| (SteelVal::SymbolV(key.into()), value));
    HashMap::from(pairs).into_steelval()
}

fn whole(value: &SteelVal) -> Result<u64> {
    match value {
        SteelVal::IntV(number) => u64::try_from(*number).ok(),
        _ => None,
    }
    .ok_or_else(|| type_mismatch("expected a whole number of 0 or more"))
}

fn type_mismatch(message: &str) -> SteelErr {
    SteelErr::new(ErrorKind::TypeMismatch, message.into())
}

/// An evaluation that panicked leaves whole values in the store, so its lock stays usable.
fn lock(store: &SharedStore) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}
