//! Follows a run to its end: live output, progress, and what Ctrl-C means.

use std::time::Instant;

use prepl_core::{Answer, Report, Selection, Summary};
use prepl_gateway::Running;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::console::Console;
use crate::gather::Gathering;
use crate::live::Live;
use crate::problem::Problem;
use crate::progress::{Progress, REDRAW};

/// A run that is followed.
#[derive(Debug)]
pub struct Follow<'a> {
    console: &'a mut Console,
    live: Live,
    progress: Progress,
    gathering: Gathering,
    begun: Instant,
    stop_asked: bool,
    interrupts: Interrupts,
    first: String,
}

/// What came of a run.
#[derive(Debug)]
pub struct Ended {
    /// Every replica's answer.
    pub answers: Vec<Answer>,
    /// The run as a whole.
    pub summary: Summary,
    /// A prompt has shown what was printed, as it came.
    pub showed_output: bool,
}

impl<'a> Follow<'a> {
    /// Follows a run over a selection: `live` tells what to write first, and then. Progress is
    /// drawn when wanted.
    ///
    /// From here on Ctrl-C no longer ends the process: call it before the run starts, in a tokio
    /// runtime.
    pub fn new(
        console: &'a mut Console,
        selection: &Selection,
        (live, first): (Live, String),
        with_progress: bool,
    ) -> Follow<'a> {
        Follow {
            console,
            live,
            first,
            progress: Progress::new(selection.len(), with_progress),
            gathering: Gathering::new(selection),
            begun: Instant::now(),
            stop_asked: false,
            interrupts: Interrupts::listen(),
        }
    }

    /// Waits until a run has started, or for Ctrl-C.
    pub async fn start<R>(
        &mut self,
        starting: impl Future<Output = Result<R, Problem>>,
    ) -> Result<R, Problem> {
        tokio::select! {
            started = starting => started,
            () = self.interrupts.next() => Err(Problem::interrupted(
                "interrupted before the gateway answered",
            )
            .hint("should it have started something, that ends by its own time limit")),
        }
    }

    /// Waits for the end of the run, or for the second Ctrl-C.
    pub async fn to_the_end(mut self, mut run: impl Running) -> Ended {
        self.console.answer(&std::mem::take(&mut self.first));
        let mut ticks = interval(REDRAW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once; a run that is over by the second shows no progress.
        ticks.tick().await;
        loop {
            tokio::select! {
                report = run.next() => match report {
                    Some(report) => self.report(report, &run),
                    None => break,
                },
                () = self.interrupts.next() => {
                    if self.stop_asked {
                        break;
                    }
                    self.ask_to_stop(&run);
                }
                _ = ticks.tick() => {
                    let held = self.live.lasts();
                    self.write(&held);
                    self.progress.draw(self.console);
                }
            }
        }
        let rest = self.live.end();
        self.write(&rest);
        self.progress.erase(self.console);
        let showed_output = self.live.showed_output();
        let (answers, summary) = self.gathering.finish(self.begun.elapsed());
        Ended { answers, summary, showed_output }
    }

    fn report(&mut self, report: Report, run: &impl Running) {
        let mut text = self.live.report(&report);
        if let Some(answer) = self.gathering.take(report) {
            self.progress.done(answer.class());
            text += &self.live.answer(answer);
        }
        self.write(&text);
        if self.console.reader_left() && !self.stop_asked {
            self.stop_asked = true;
            run.interrupt();
        }
    }

    fn write(&mut self, text: &str) {
        if !text.is_empty() {
            self.progress.erase(self.console);
            self.console.answer(text);
        }
    }

    fn ask_to_stop(&mut self, run: &impl Running) {
        self.stop_asked = true;
        run.interrupt();
        self.progress.erase(self.console);
        let pending = crate::render::crowd::count(self.gathering.pending());
        self.console.tell(&format!("interrupting {pending}… Ctrl-C again to leave at once\n"));
    }
}

/// Each Ctrl-C from now on; none when the system gives no word of them.
#[derive(Debug)]
struct Interrupts(Option<Signal>);

impl Interrupts {
    fn listen() -> Interrupts {
        Interrupts(signal(SignalKind::interrupt()).ok())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}
