#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Weak;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ThreadId;

use super::*;

struct Task(Box<dyn FnOnce() + Send>);

impl Job for Task {
    fn run(self: Box<Self>) {
        (self.0)();
    }
}

fn task(work: impl FnOnce() + Send + 'static) -> Box<Task> {
    Box::new(Task(Box::new(work)))
}

/// Starts a task that tells its thread and then waits until the sender is dropped.
fn occupy(threads: &Threads<Task>) -> Option<(ThreadId, Sender<()>)> {
    let (release, released) = channel::<()>();
    let (to_test, by_thread) = channel();
    let work = move || {
        to_test.send(thread::current().id()).unwrap();
        let _ = released.recv();
    };
    threads.run(task(work)).ok()?;
    Some((by_thread.recv().unwrap(), release))
}

fn wait_until(threads: &Weak<Shared<Task>>, holds: impl Fn(&State<Task>) -> bool) {
    while threads.upgrade().is_some_and(|shared| !holds(&shared.lock())) {
        thread::yield_now();
    }
}

fn until(threads: &Threads<Task>, holds: impl Fn(&State<Task>) -> bool) {
    wait_until(&Arc::downgrade(&threads.0), holds);
}

#[test]
fn an_idle_thread_takes_the_next_job() {
    let threads = Threads::new();
    let (first, release) = occupy(&threads).unwrap();
    drop(release);
    until(&threads, |state| state.idle == 1);
    let (second, _release) = occupy(&threads).unwrap();
    assert_eq!(first, second);
    assert_eq!(threads.0.lock().all, 1);
}

#[test]
fn a_job_beyond_the_most_is_handed_back_until_one_ends() {
    let threads = Threads::new();
    let mut busy: Vec<_> = (0..MAX_THREADS).map(|_| occupy(&threads).unwrap()).collect();
    assert!(occupy(&threads).is_none());
    busy.pop();
    until(&threads, |state| state.idle == 1);
    assert!(occupy(&threads).is_some());
}

#[test]
fn only_a_few_idle_threads_are_kept() {
    let threads = Threads::new();
    let busy: Vec<_> = (0..MAX_IDLE + 3).map(|_| occupy(&threads).unwrap()).collect();
    assert_eq!(threads.0.lock().all, MAX_IDLE + 3);
    drop(busy);
    until(&threads, |state| state.idle == state.all);
    assert_eq!(threads.0.lock().all, MAX_IDLE);
}

#[test]
fn an_idle_thread_ends_after_its_time() {
    let threads = Threads::idle_for(Duration::from_millis(1));
    drop(occupy(&threads).unwrap());
    until(&threads, |state| state.all == 0);
    assert!(occupy(&threads).is_some());
}

#[test]
fn a_job_that_panics_leaves_its_thread_to_the_next() {
    let threads = Threads::new();
    let (to_test, by_thread) = channel();
    let work = move || {
        to_test.send(thread::current().id()).unwrap();
        panic!("on purpose");
    };
    assert!(threads.run(task(work)).is_ok());
    let first = by_thread.recv().unwrap();
    until(&threads, |state| state.idle == 1);
    assert_eq!(occupy(&threads).unwrap().0, first);
}

#[test]
fn idle_threads_end_with_their_pool_and_a_job_is_finished_first() {
    let threads = Threads::new();
    let (_, first) = occupy(&threads).unwrap();
    let (_, second) = occupy(&threads).unwrap();
    drop(first);
    until(&threads, |state| state.idle == 1);
    let shared = Arc::downgrade(&threads.0);
    drop(threads);
    wait_until(&shared, |state| state.all == 1);
    assert!(shared.upgrade().is_some());
    drop(second);
    wait_until(&shared, |state| state.all == 0);
}

#[test]
fn every_job_of_many_runs_once() {
    let threads = Arc::new(Threads::new());
    let (to_test, by_threads): (Sender<usize>, Receiver<usize>) = channel();
    let mut accepted = 0;
    for number in 0..2000 {
        let to_test = to_test.clone();
        if threads.run(task(move || to_test.send(number).unwrap())).is_ok() {
            accepted += 1;
        }
    }
    drop(to_test);
    let mut heard: Vec<_> = by_threads.iter().collect();
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard.len(), accepted);
    until(&threads, |state| state.jobs.is_empty() && state.idle == state.all);
}
