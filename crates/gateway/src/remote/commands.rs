//! What a gateway is told while a run goes on: input, and that it is to stop.

use prepl_core::claim::Signed;
use prepl_fanout::input::Given;
use prepl_proto::v1;
use prepl_proto::v1::run_command::Command;
use tokio::sync::{mpsc, watch};

use crate::claim::InputSigner;

/// The commands of one call, after its first.
pub(super) struct Commands {
    pub(super) stop_asked: watch::Receiver<bool>,
    pub(super) given: Given,
    /// For a run that takes input.
    pub(super) signer: Option<InputSigner>,
    pub(super) to: mpsc::Sender<v1::RunCommand>,
}

impl Commands {
    /// Tells them as they come, input from its beginning: an earlier gateway may not have passed it on.
    /// They stay open to the end; a gateway that is gone shows in the reports.
    pub(super) async fn tell(mut self) {
        let (mut place, mut stopped) = (0, false);
        loop {
            let command = tokio::select! {
                // A run that nobody can stop any more goes on.
                Ok(_) = self.stop_asked.wait_for(|asked| *asked), if !stopped => {
                    stopped = true;
                    Command::Stop(v1::StopRun {})
                }
                piece = self.given.piece(place) => {
                    place += 1;
                    // The key signed the start, so it signs this too.
                    let signed = self.signer.as_ref().and_then(|signer| signer.sign(&piece).ok());
                    let piece = piece.with(signed.map(Signed::from));
                    Command::Input(v1::GiveInput::from(&piece))
                }
                () = self.to.closed() => return,
            };
            let _ = self.to.send(v1::RunCommand { command: Some(command) }).await;
        }
    }
}
