//! Input for a run: every replica that has not ended gets all of it, in order.

use prepl_core::input::Pieces;
use prepl_core::{Input, NoInput};
use tokio::sync::watch;

/// Gives input to a run; clones give to the same.
#[derive(Clone, Debug)]
pub struct Feeder(watch::Sender<Taken>);

/// The end that a reader of the pieces listens on.
#[derive(Clone, Debug)]
pub struct Given(watch::Receiver<Taken>);

#[derive(Debug)]
struct Taken {
    interactive: bool,
    pieces: Pieces,
}

/// The two ends; a run that is not interactive takes no piece.
pub fn input(interactive: bool) -> (Feeder, Given) {
    let (sender, receiver) = watch::channel(Taken { interactive, pieces: Pieces::default() });
    (Feeder(sender), Given(receiver))
}

impl Feeder {
    /// The place of the piece that comes next.
    pub fn next_place(&self) -> u32 {
        self.0.borrow().pieces.next_place()
    }

    /// Whether a piece is new; an error is why the run takes it not.
    pub fn is_new(&self, input: &Input) -> Result<bool, NoInput> {
        let taken = self.0.borrow();
        taken.interactive.then_some(()).ok_or(NoInput::NotInteractive)?;
        taken.pieces.is_new(input)
    }

    /// Gives a piece to every replica that has not ended, also to those that have not begun. One that
    /// was given already is not given again.
    pub fn give(&self, input: Input) -> Result<(), NoInput> {
        let mut taken = Ok(false);
        self.0.send_if_modified(|all| {
            taken = match all.interactive {
                true => all.pieces.take(input),
                false => Err(NoInput::NotInteractive),
            };
            taken == Ok(true)
        });
        taken.map(drop)
    }
}

impl Given {
    /// The piece at a place, once it is given; never, when nobody can give it any more.
    pub async fn piece(&mut self, place: u32) -> Input {
        let given = self.0.wait_for(|taken| taken.pieces.get(place).is_some()).await;
        let piece = given.ok().and_then(|taken| taken.pieces.get(place).cloned());
        match piece {
            Some(piece) => piece,
            None => std::future::pending().await,
        }
    }
}
