//! What a user signs: one evaluation, a piece of its input, or one tunnel, on named replicas and for
//! a while.
//!
//! A sidecar checks it against what a gateway asks: a gateway can drop and read, but not invent,
//! widen, replay or redirect.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::membership::{Proof, is_member};
use crate::{Digest, Evaluation, Input, Limits, Origin, RequestId, SessionName};

/// How far the clocks of user and replica may differ.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// The longest that a claim may be used: as long as an access request.
pub const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);

/// What a user signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name of the request; each replica does it once.
    pub request: RequestId,
    /// What is to be done.
    pub deed: Deed,
    /// Root of the tree over the UIDs of the replicas (see [`crate::membership`]).
    pub replicas: Digest,
    /// How many there are.
    pub count: u32,
    /// When it was signed, by the user's clock.
    pub issued: SystemTime,
    /// Until when it may begin, by the same clock.
    pub expires: SystemTime,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Evaluate.
    Evaluate {
        /// Digest of the expression.
        expression: Digest,
        /// Where its text stands.
        origin: Origin,
        /// Kept state to evaluate in.
        session: Option<SessionName>,
        /// Namespace or module to evaluate in.
        namespace: Option<Arc<str>>,
        /// Bounds; a gateway may lower them.
        limits: Limits,
        /// The answer of an earlier time is asked for, and nothing else.
        recall: bool,
        /// It may run only where something keeps it from writing.
        read_only: bool,
        /// It may read input that comes while it runs.
        interactive: bool,
    },
    /// Give a piece of input to the evaluation of that request.
    Input {
        /// Digest of its bytes.
        data: Digest,
        /// Its place among the pieces of the request.
        place: u32,
        /// None follows.
        end: bool,
    },
    /// Lead bytes to the REPL and back.
    Tunnel,
}

/// A claim as it was signed; what it says, and whether that is true, is for those to find out who
/// act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The claim's bytes.
    pub claim: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// Certificates, that of the signer first.
    pub chain: Vec<Vec<u8>>,
}

/// When and where a claim is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Looked<'a> {
    /// UID of the replica that looks.
    pub uid: &'a str,
    /// Its clock.
    pub now: SystemTime,
    /// Since when it remembers request ids.
    pub remembers_since: SystemTime,
}

/// Why a claim does not cover what is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCovered {
    /// The user's clock is ahead, or a time was forged.
    #[error("it was signed {0:?} after this replica's time; set the clocks right")]
    FromTheFuture(Duration),
    /// Its time is over, or the user's clock is behind.
    #[error(
        "its time was over {0:?} ago by this replica's clock; ask again, or set the clocks right"
    )]
    Expired(Duration),
    /// It would last too long.
    #[error("it would last longer than {LONGEST:?}")]
    TooLong,
    /// It may have been done already by an earlier process.
    #[error(
        "this sidecar was started after it was signed, and cannot tell whether it ran; ask again"
    )]
    Forgotten,
    /// Of other replicas.
    #[error("it is for other replicas")]
    OtherReplica,
    /// Of another request.
    #[error("it is for another request")]
    OtherRequest,
    /// Of another expression.
    #[error("it is for another expression")]
    OtherExpression,
    /// Of another file, or place of one.
    #[error("it is for the text of another file, or of another place")]
    OtherOrigin,
    /// Of another session or namespace.
    #[error("it is for another session or namespace")]
    OtherSession,
    /// The limits are wider than those that were signed.
    #[error("it allows less time or fewer bytes")]
    WiderLimits,
    /// An evaluation that may write, of what was signed to be read-only.
    #[error("it is for a read-only evaluation, and the gateway asks for one that may write")]
    NotReadOnly,
    /// An evaluation that reads input, of what was signed to read none.
    #[error("it is for an evaluation without input, and the gateway asks for one with it")]
    NotInteractive,
    /// Other input, or of another place.
    #[error("it is for another piece of input")]
    OtherInput,
    /// An evaluation instead of a tunnel, or of a recall, or the other way round.
    #[error("it is for something else")]
    OtherDeed,
}

impl Claim {
    /// Whether it covers an evaluation of the replica that looks.
    pub fn covers(
        &self,
        asked: &Evaluation,
        proof: &Proof,
        looked: Looked<'_>,
    ) -> Result<(), NotCovered> {
        let Deed::Evaluate {
            expression,
            origin,
            session,
            namespace,
            limits,
            recall,
            read_only,
            interactive,
        } = &self.deed
        else {
            return Err(NotCovered::OtherDeed);
        };
        // An answer of before may always be asked for: nothing runs.
        if *recall && !asked.recall {
            return Err(NotCovered::OtherDeed);
        }
        // The other way round it is less than was signed, as lower limits are.
        if *read_only && !asked.read_only {
            return Err(NotCovered::NotReadOnly);
        }
        if asked.interactive && !*interactive {
            return Err(NotCovered::NotInteractive);
        }
        if asked.request != self.request {
            return Err(NotCovered::OtherRequest);
        }
        if *expression != Digest::of(asked.expression.as_str()) {
            return Err(NotCovered::OtherExpression);
        }
        if !stands_there(&asked.origin, origin) {
            return Err(NotCovered::OtherOrigin);
        }
        if (session, namespace) != (&asked.session, &asked.namespace) {
            return Err(NotCovered::OtherSession);
        }
        if asked.limits.at_most(*limits) != asked.limits {
            return Err(NotCovered::WiderLimits);
        }
        if !asked.recall {
            self.is_remembered(looked)?;
        }
        self.covers_replica(proof, looked)
    }

    /// Whether it covers a piece of input for the replica that looks. That it was not given before
    /// is the evaluation's own to know: it takes each place once.
    pub fn covers_input(
        &self,
        request: RequestId,
        input: &Input,
        proof: &Proof,
        looked: Looked<'_>,
    ) -> Result<(), NotCovered> {
        let Deed::Input { data, place, end } = self.deed else {
            return Err(NotCovered::OtherDeed);
        };
        if request != self.request {
            return Err(NotCovered::OtherRequest);
        }
        let given = (Digest::of_bytes(input.data()), input.place(), input.is_last());
        if given != (data, place, end) {
            return Err(NotCovered::OtherInput);
        }
        self.covers_replica(proof, looked)
    }

    /// Whether it covers a tunnel to the replica that looks.
    pub fn covers_tunnel(
        &self,
        request: RequestId,
        proof: &Proof,
        looked: Looked<'_>,
    ) -> Result<(), NotCovered> {
        if self.deed != Deed::Tunnel {
            return Err(NotCovered::OtherDeed);
        }
        if request != self.request {
            return Err(NotCovered::OtherRequest);
        }
        self.is_remembered(looked)?;
        self.covers_replica(proof, looked)
    }

    fn is_remembered(&self, looked: Looked<'_>) -> Result<(), NotCovered> {
        let after = self.issued >= looked.remembers_since;
        after.then_some(()).ok_or(NotCovered::Forgotten)
    }

    fn covers_replica(&self, proof: &Proof, looked: Looked<'_>) -> Result<(), NotCovered> {
        if let Ok(ahead) = self.issued.duration_since(looked.now)
            && ahead > CLOCK_SKEW
        {
            return Err(NotCovered::FromTheFuture(whole_seconds(ahead)));
        }
        if let Ok(over) = looked.now.duration_since(self.expires)
            && !over.is_zero()
        {
            return Err(NotCovered::Expired(whole_seconds(over)));
        }
        if self.expires.duration_since(self.issued).map_or(true, |lasts| lasts > LONGEST) {
            return Err(NotCovered::TooLong);
        }
        let named = is_member(looked.uid, proof, self.count, &self.replicas);
        named.then_some(()).ok_or(NotCovered::OtherReplica)
    }
}

/// Whether a text may be taken for one that stands at `signed`.
///
/// A gateway of before does not pass a place on: errors are then told by other lines, and that is
/// all.
fn stands_there(asked: &Origin, signed: &Origin) -> bool {
    let is_left_out = matches!((asked, signed), (Origin::Typed, Origin::At { .. }));
    asked == signed || is_left_out
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Expression;
    use crate::membership::Members;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn members() -> Members {
        Members::of(["u0", "u1", "u2"])
    }

    fn claim() -> Claim {
        let deed = Deed::Evaluate {
            expression: Digest::of("(+ 1 2)"),
            origin: Origin::Typed,
            session: None,
            namespace: None,
            limits: Limits::default(),
            recall: false,
            read_only: false,
            interactive: false,
        };
        Claim {
            request: RequestId::from_random([7; 16]),
            deed,
            replicas: members().root(),
            count: 3,
            issued: at(1000),
            expires: at(1060),
        }
    }

    fn asked() -> Evaluation {
        Evaluation {
            request: RequestId::from_random([7; 16]),
            run: "7Q4K2ABC".parse().unwrap(),
            replica_uid: "u1".into(),
            expression: Expression::new("(+ 1 2)").unwrap(),
            origin: Origin::Typed,
            session: None,
            namespace: None,
            limits: Limits::default(),
            recall: false,
            read_only: false,
            interactive: false,
        }
    }

    fn looked(now: u64) -> Looked<'static> {
        Looked { uid: "u1", now: at(now), remembers_since: at(900) }
    }

    fn covers(claim: &Claim, asked: &Evaluation, now: u64) -> Result<(), NotCovered> {
        claim.covers(asked, &members().proof(1), looked(now))
    }

    #[test]
    fn what_was_signed_is_covered_and_less_of_it() {
        assert_eq!(covers(&claim(), &asked(), 1030), Ok(()));
        let less = Limits::new(Duration::from_secs(1), 10, 10).unwrap();
        assert_eq!(covers(&claim(), &Evaluation { limits: less, ..asked() }, 1030), Ok(()));
        assert_eq!(covers(&claim(), &Evaluation { recall: true, ..asked() }, 1030), Ok(()));
    }

    #[test]
    fn nothing_else_is() {
        let wide = Limits::new(Duration::from_secs(60), 10, 10).unwrap();
        let other = |change: fn(&mut Evaluation)| {
            let mut other = asked();
            change(&mut other);
            covers(&claim(), &other, 1030)
        };
        assert_eq!(
            other(|one| one.request = RequestId::from_random([8; 16])),
            Err(NotCovered::OtherRequest)
        );
        assert_eq!(
            other(|one| one.expression = Expression::new("(+ 1 3)").unwrap()),
            Err(NotCovered::OtherExpression)
        );
        assert_eq!(other(|one| one.session = "s".parse().ok()), Err(NotCovered::OtherSession));
        assert_eq!(other(|one| one.namespace = Some("n".into())), Err(NotCovered::OtherSession));
        let wider = Evaluation { limits: wide, ..asked() };
        assert_eq!(covers(&claim(), &wider, 1030), Err(NotCovered::WiderLimits));
        let strange = claim().covers(&asked(), &members().proof(0), looked(1030));
        assert_eq!(strange, Err(NotCovered::OtherReplica));
        let tunnel = Claim { deed: Deed::Tunnel, ..claim() };
        assert_eq!(covers(&tunnel, &asked(), 1030), Err(NotCovered::OtherDeed));
        let request = asked().request;
        let proof = members().proof(1);
        assert_eq!(tunnel.covers_tunnel(request, &proof, looked(1030)), Ok(()));
        let other = claim().covers_tunnel(request, &proof, looked(1030));
        assert_eq!(other, Err(NotCovered::OtherDeed));
    }

    #[test]
    fn a_claim_to_recall_runs_nothing() {
        let mut recall = claim();
        let Deed::Evaluate { recall: only, .. } = &mut recall.deed else { panic!("no evaluation") };
        *only = true;
        assert_eq!(covers(&recall, &asked(), 1030), Err(NotCovered::OtherDeed));
        assert_eq!(covers(&recall, &Evaluation { recall: true, ..asked() }, 1030), Ok(()));
    }

    #[test]
    fn what_was_signed_as_read_only_stays_so_and_less_is_covered() {
        let mut signed = claim();
        let Deed::Evaluate { read_only, .. } = &mut signed.deed else { panic!("no evaluation") };
        *read_only = true;
        let read = Evaluation { read_only: true, ..asked() };
        assert_eq!(covers(&signed, &read, 1030), Ok(()));
        assert_eq!(covers(&signed, &asked(), 1030), Err(NotCovered::NotReadOnly));
        let recall = Evaluation { recall: true, ..asked() };
        assert_eq!(covers(&signed, &recall, 1030), Err(NotCovered::NotReadOnly));
        assert_eq!(covers(&claim(), &read, 1030), Ok(()));
    }

    #[test]
    fn an_evaluation_reads_input_only_if_that_was_signed() {
        let reads = Evaluation { interactive: true, ..asked() };
        assert_eq!(covers(&claim(), &reads, 1030), Err(NotCovered::NotInteractive));
        let mut signed = claim();
        let Deed::Evaluate { interactive, .. } = &mut signed.deed else { panic!("no evaluation") };
        *interactive = true;
        assert_eq!(covers(&signed, &reads, 1030), Ok(()));
        assert_eq!(covers(&signed, &asked(), 1030), Ok(()), "it is less");
    }

    #[test]
    fn input_is_the_piece_that_was_signed_in_its_place() {
        let piece = |place, text: &'static str, end| Input::new(place, text.into(), end).unwrap();
        let deed = Deed::Input { data: Digest::of("(+ 1 2)"), place: 1, end: false };
        let signed = Claim { deed, ..claim() };
        let proof = members().proof(1);
        let request = asked().request;
        let covers = |input: &Input| signed.covers_input(request, input, &proof, looked(1030));
        assert_eq!(covers(&piece(1, "(+ 1 2)", false)), Ok(()));
        for other in
            [piece(1, "(+ 1 3)", false), piece(2, "(+ 1 2)", false), piece(1, "(+ 1 2)", true)]
        {
            assert_eq!(covers(&other), Err(NotCovered::OtherInput), "{other:?}");
        }
        let good = piece(1, "(+ 1 2)", false);
        let of_another = RequestId::from_random([8; 16]);
        let covered = signed.covers_input(of_another, &good, &proof, looked(1030));
        assert_eq!(covered, Err(NotCovered::OtherRequest));
        let elsewhere = signed.covers_input(request, &good, &members().proof(0), looked(1030));
        assert_eq!(elsewhere, Err(NotCovered::OtherReplica));
        let late = signed.covers_input(request, &good, &proof, looked(1061));
        assert!(matches!(late, Err(NotCovered::Expired(_))));
        let evaluation = claim().covers_input(request, &good, &proof, looked(1030));
        assert_eq!(evaluation, Err(NotCovered::OtherDeed));
        assert_eq!(signed.covers(&asked(), &proof, looked(1030)), Err(NotCovered::OtherDeed));
    }

    #[test]
    fn a_text_stands_where_it_was_signed_to() {
        let file = || "a.clj".parse().unwrap();
        let (at, other) = (Origin::at(file(), 3, 1), Origin::at(file(), 4, 1));
        let whole = Origin::File(file());
        let cases = [
            (&at, &at, true),
            (&whole, &whole, true),
            // A place may be left out, a file may not.
            (&at, &Origin::Typed, true),
            (&whole, &Origin::Typed, false),
            (&whole, &at, false),
            (&at, &other, false),
            (&at, &whole, false),
            (&Origin::Typed, &at, false),
            (&Origin::Typed, &whole, false),
        ];
        for (signed_at, asked_at, good) in cases {
            let mut signed = claim();
            let Deed::Evaluate { origin, .. } = &mut signed.deed else { panic!("no evaluation") };
            *origin = signed_at.clone();
            let asked = Evaluation { origin: asked_at.clone(), ..asked() };
            let covered = if good { Ok(()) } else { Err(NotCovered::OtherOrigin) };
            assert_eq!(covers(&signed, &asked, 1030), covered, "{signed_at:?} {asked_at:?}");
        }
    }

    #[test]
    fn each_wrong_time_has_its_reason() {
        assert_eq!(covers(&claim(), &asked(), 1060), Ok(()));
        assert!(matches!(covers(&claim(), &asked(), 1061), Err(NotCovered::Expired(_))));
        assert_eq!(covers(&claim(), &asked(), 940), Ok(()));
        assert!(matches!(covers(&claim(), &asked(), 939), Err(NotCovered::FromTheFuture(_))));
        let long = Claim { expires: at(1001 + LONGEST.as_secs()), ..claim() };
        assert_eq!(covers(&long, &asked(), 1030), Err(NotCovered::TooLong));
        let backwards = Claim { issued: at(1050), expires: at(1040), ..claim() };
        assert_eq!(covers(&backwards, &asked(), 1030), Err(NotCovered::TooLong));
    }

    #[test]
    fn a_sidecar_that_has_forgotten_runs_nothing_but_may_be_asked() {
        let looked = Looked { remembers_since: at(1001), ..looked(1030) };
        let proof = members().proof(1);
        assert_eq!(claim().covers(&asked(), &proof, looked), Err(NotCovered::Forgotten));
        let recall = Evaluation { recall: true, ..asked() };
        assert_eq!(claim().covers(&recall, &proof, looked), Ok(()));
    }
}
