//! Which ends of audit logs the controller signs, and which checkpoints it keeps.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use prepl_audit::{Checkpoint, Moment, PublicKey, SigningKey};
use prepl_core::Digest;
use prepl_crd::audit_checkpoint::{Head, MAX_CHECKPOINTS};
use prepl_crd::{AuditCheckpoint, AuditCheckpointSpec, AuditCheckpointStatus};
use prepl_operator::checkpoint_form;
use prepl_operator::controller::checkpoints::{
    REGRESSED, Regress, Step, Unsignable, next_step, thinned, with_checkpoint, with_regress,
};

const CHAIN: &str = "00112233445566778899aabbccddeeff";

fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate_pkcs8().unwrap()).unwrap()
}

fn now() -> Moment {
    Moment::from_millis(5000)
}

/// The end of a log whose records are told by a text.
fn head(seq: u64, records: &str) -> Head {
    Head { seq, hash: Digest::of(records).to_string(), time: now().to_string() }
}

fn checkpoint(seq: u64, records: &str, time: Moment) -> Checkpoint {
    Checkpoint { chain: CHAIN.parse().unwrap(), seq, hash: Digest::of(records), time }
}

fn object(head: Head, status: AuditCheckpointStatus) -> AuditCheckpoint {
    let spec = AuditCheckpointSpec { pod: "prepl-gateway-0".to_owned(), head };
    let mut object = AuditCheckpoint::new(CHAIN, spec);
    object.status = Some(status);
    object
}

/// A status with one checkpoint.
fn signed(key: &SigningKey, checkpoint: Checkpoint) -> AuditCheckpointStatus {
    let status = AuditCheckpointStatus::default();
    with_checkpoint(status, &key.public(), &key.sign(checkpoint)).unwrap()
}

fn step(head: Head, status: &AuditCheckpointStatus, key: &PublicKey) -> Result<Step, Unsignable> {
    next_step(&object(head, status.clone()), key, now())
}

#[test]
fn an_end_that_goes_on_is_signed_once() {
    let key = key();
    let none = AuditCheckpointStatus::default();
    let first = checkpoint(0, "a", now());
    assert_eq!(step(head(0, "a"), &none, &key.public()), Ok(Step::Sign(first)));
    let status = signed(&key, first);
    assert_eq!(step(head(0, "a"), &status, &key.public()), Ok(Step::Wait));
    let next = checkpoint(7, "ab", now());
    assert_eq!(step(head(7, "ab"), &status, &key.public()), Ok(Step::Sign(next)));
}

#[test]
fn an_end_that_goes_back_is_told_once_and_never_signed() {
    let key = key();
    let status = signed(&key, checkpoint(7, "ab", now()));
    let back = Regress::Back { signed: 7, told: 6 };
    assert_eq!(step(head(6, "a"), &status, &key.public()), Ok(Step::Tell(back)));
    let other = Regress::Rewritten(7);
    assert_eq!(step(head(7, "xy"), &status, &key.public()), Ok(Step::Tell(other)));

    let told = with_regress(status, &back, Some(3));
    let condition = &told.conditions[0];
    assert_eq!((condition.type_.as_str(), condition.status.as_str()), (REGRESSED, "True"));
    assert_eq!(condition.observed_generation, Some(3));
    assert!(condition.message.contains("record 6") && condition.message.contains("with 7"));
    assert_eq!(step(head(6, "a"), &told, &key.public()), Ok(Step::Wait));
    assert_eq!(step(head(7, "xy"), &told, &key.public()), Ok(Step::Wait));
}

#[test]
fn what_went_back_stays_told_when_it_goes_on() {
    let key = key();
    let status = signed(&key, checkpoint(7, "ab", now()));
    let told = with_regress(status, &Regress::Rewritten(7), None);
    let next = checkpoint(8, "abc", now());
    assert_eq!(step(head(8, "abc"), &told, &key.public()), Ok(Step::Sign(next)));
    let after = with_checkpoint(told, &key.public(), &key.sign(next)).unwrap();
    assert_eq!(after.conditions.len(), 1);
    assert_eq!(after.checkpoints.len(), 2);
}

#[test]
fn a_checkpoint_is_never_older_than_the_one_before() {
    let key = key();
    let later = Moment::from_millis(9000);
    let status = signed(&key, checkpoint(7, "ab", later));
    let next = checkpoint(8, "abc", later);
    assert_eq!(step(head(8, "abc"), &status, &key.public()), Ok(Step::Sign(next)));
}

#[test]
fn nothing_is_added_to_checkpoints_of_another_key_or_chain() {
    let key = key();
    let others = {
        let stranger = self::key();
        let foreign = signed(&stranger, checkpoint(7, "ab", now()));
        let mut forged = signed(&key, checkpoint(7, "ab", now()));
        forged.checkpoints[0].checkpoint.seq = 6;
        let mut unreadable = forged.clone();
        unreadable.checkpoints[0].checkpoint.hash = "none".to_owned();
        let chain = "ff".repeat(16).parse().unwrap();
        let other = signed(&key, Checkpoint { chain, ..checkpoint(7, "ab", now()) });
        [foreign, forged, unreadable, other]
    };
    for status in others {
        let found = step(head(8, "abc"), &status, &key.public());
        assert_eq!(found, Err(Unsignable::OtherKey), "{status:?}");
    }
}

#[test]
fn what_is_no_place_in_a_chain_is_not_signed() {
    let public = key().public();
    let no_hash = Head { hash: "ab".to_owned(), ..head(0, "a") };
    let found = step(no_hash, &AuditCheckpointStatus::default(), &public);
    assert_eq!(found, Err(Unsignable::Unreadable));
    let mut no_chain = object(head(0, "a"), AuditCheckpointStatus::default());
    no_chain.metadata.name = Some("prepl-gateway-0".to_owned());
    assert_eq!(next_step(&no_chain, &public, now()), Err(Unsignable::Unreadable));
}

#[test]
fn what_is_stored_is_the_line_that_is_verified() {
    let key = key();
    let signed = key.sign(checkpoint(7, "ab", now()));
    let stored = checkpoint_form::written(&signed).unwrap();
    assert_eq!(serde_json::to_string(&stored).unwrap(), serde_json::to_string(&signed).unwrap());
    assert_eq!(checkpoint_form::read(&stored), Some(signed.clone()));
    assert!(key.public().signed(&signed));
}

#[test]
fn the_newest_checkpoints_stay_whole_and_all_of_the_history_is_covered() {
    let mut kept: Vec<u64> = Vec::new();
    for next in 0..10_000 {
        kept = thinned(kept, |seq| *seq);
        kept.push(next);
        assert!(kept.len() <= MAX_CHECKPOINTS);
        assert!(kept.is_sorted());
        assert_eq!((kept.first(), kept.last()), (Some(&0), Some(&next)));
    }
    let newest: Vec<u64> = (9_900..10_000).collect();
    assert!(kept.ends_with(&newest), "{kept:?}");
    assert!(kept.len() > MAX_CHECKPOINTS / 2);
    for gap in kept.windows(2) {
        assert!(gap[1] - gap[0] <= (10_000 - gap[0]) / 8 + 1, "{kept:?}");
    }
    // One that tells an end every half second for an hour pushes out nothing that is older.
    let before: Vec<u64> = kept.clone();
    let flood = (0..7200).map(|number| 10_000_000 + number * 500);
    let flooded = flood.fold(before.iter().map(|seq| seq * 1000).collect(), |kept, next| {
        let mut kept: Vec<u64> = thinned(kept, |signed| *signed);
        kept.push(next);
        kept
    });
    let older = flooded.iter().filter(|signed| **signed < 10_000_000).count();
    assert!(older > 20, "{older} of {} are left: {flooded:?}", before.len());
    let many: Vec<u64> = (0..5000).collect();
    assert_eq!(thinned(many, |seq| *seq).last(), Some(&4999));
}
