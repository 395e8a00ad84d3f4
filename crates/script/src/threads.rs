//! Threads for scripts, kept for the next one: to make a thread costs some 100 µs.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Rhai drops, compares and prints by recursion, and a value may nest as deep as
/// its array and map limits together allow; a debug build needs some 5 KiB a level.
/// Only what is touched becomes memory.
const STACK_BYTES: usize = 256 << 20;

/// Threads of one engine at a time; a job beyond them is handed back.
const MAX_THREADS: usize = 32;

/// Threads that wait for a job; more of them end with their job.
const MAX_IDLE: usize = 4;

/// How long a thread waits for its next job.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// What a thread does once.
pub(crate) trait Job: Send + 'static {
    fn run(self: Box<Self>);
}

/// The threads of one engine; idle ones end with it.
pub(crate) struct Threads<J: Job>(Arc<Shared<J>>);

struct Shared<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
    idle_time: Duration,
}

struct State<J> {
    /// Never more than there are idle threads: each job has one that will take it.
    jobs: VecDeque<Box<J>>,
    idle: usize,
    /// Idle or at work.
    all: usize,
    closed: bool,
}

impl<J: Job> Threads<J> {
    pub(crate) fn new() -> Self {
        Self::idle_for(IDLE_TIME)
    }

    fn idle_for(idle_time: Duration) -> Self {
        let state = State { jobs: VecDeque::new(), idle: 0, all: 0, closed: false };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), idle_time }))
    }

    /// Runs `job` on a thread at once, or hands it back when there is none.
    pub(crate) fn run(&self, job: Box<J>) -> Result<(), Box<J>> {
        let mut state = self.0.lock();
        if state.jobs.len() == state.idle && !self.add_idle(&mut state) {
            return Err(job);
        }
        state.jobs.push_back(job);
        drop(state);
        self.0.changed.notify_one();
        Ok(())
    }

    fn add_idle(&self, state: &mut State<J>) -> bool {
        if state.all == MAX_THREADS {
            return false;
        }
        let shared = Arc::clone(&self.0);
        let thread = thread::Builder::new().name("prepl-script".to_owned()).stack_size(STACK_BYTES);
        if thread.spawn(move || shared.work()).is_err() {
            return false;
        }
        state.all += 1;
        state.idle += 1;
        true
    }
}

impl<J: Job> Shared<J> {
    /// What a thread does from its start to its end.
    fn work(&self) {
        while let Some(job) = self.next_job() {
            // A job that panics has ended, and its thread is as good as before.
            let _ = catch_unwind(AssertUnwindSafe(|| job.run()));
            if !self.stay() {
                return;
            }
        }
    }

    /// Waits as an idle thread; without a job, the thread is no longer counted.
    fn next_job(&self) -> Option<Box<J>> {
        let nothing_to_do = |state: &mut State<J>| state.jobs.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), self.idle_time, nothing_to_do);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        let job = state.jobs.pop_front();
        if job.is_none() {
            state.all -= 1;
        }
        job
    }

    /// Makes a thread idle again, unless enough are; then it is no longer counted.
    fn stay(&self) -> bool {
        let mut state = self.lock();
        let stays = state.idle - state.jobs.len() < MAX_IDLE;
        if stays {
            state.idle += 1;
        } else {
            state.all -= 1;
        }
        stays
    }

    /// No code that can panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: Job> Drop for Threads<J> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl<J: Job> fmt::Debug for Threads<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "threads_tests.rs"]
mod tests;
