//! Answers folded: each in exactly one group, the same whatever order they came in.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use bytes::Bytes;
use prepl_core::{Answer, Class, Digest, Outcome, Raised, ReplicaIndex, Stream, Value as Printed};

use crate::Comparison;
use crate::frame::frame_pattern;
use crate::intern::Meanings;
use crate::pattern::pattern;

/// All answers of a run, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// How values were compared.
    pub comparison: Comparison,
    /// Equal answers, the majority first.
    pub ok: Vec<Group>,
    /// Exceptions of one kind, the most frequent first.
    pub raised: Vec<RaisedGroup>,
    /// Replicas without an answer, by class and kind of reason.
    pub silent: Vec<SilentGroup>,
}

/// Replicas whose values and printed output are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `A` for the majority, then `B` to `Z`, `AA`, …
    pub letter: String,
    /// Who said it, in the order of the selection; never empty.
    pub members: Vec<ReplicaIndex>,
    /// The values as the first member printed them.
    pub values: Vec<Printed>,
    /// What the first member printed.
    pub output: Vec<(Stream, Bytes)>,
    /// Digest of what was compared: equal for equal values, on every machine.
    pub digest: Digest,
}

/// Replicas that raised the same: class, phase, and the patterns of message and first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedGroup {
    /// Who raised it, in the order of the selection; never empty.
    pub members: Vec<ReplicaIndex>,
    /// The exceptions of the first member; empty when the runtime told nothing.
    pub raised: Vec<Raised>,
    /// What the first member printed before.
    pub output: Vec<(Stream, Bytes)>,
}

/// Replicas that gave no answer for the same kind of reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentGroup {
    /// Who, in the order of the selection; never empty.
    pub members: Vec<ReplicaIndex>,
    /// The outcome of the first member.
    pub outcome: Outcome,
}

/// Folds answers; their order does not matter.
pub fn fold(answers: &[Answer], comparison: Comparison) -> Folded {
    let mut sorted: Vec<&Answer> = answers.iter().collect();
    sorted.sort_by_key(|answer| answer.replica);
    let of = |wanted: fn(Class) -> bool| {
        sorted.iter().copied().filter(move |answer| wanted(answer.class()))
    };
    let mut silent = gather(of(|class| !matches!(class, Class::Ok | Class::Raised)), |answer| {
        silent_key(&answer.done.outcome)
    });
    silent.sort_by_key(|members| members[0].class());
    Folded {
        comparison,
        ok: ok_groups(of(|class| class == Class::Ok), comparison),
        raised: gather(of(|class| class == Class::Raised), |answer| raised_key(&answer.raised))
            .iter()
            .map(|members| raised_group(members))
            .collect(),
        silent: silent.iter().map(|members| silent_group(members)).collect(),
    }
}

fn ok_groups<'a>(answers: impl Iterator<Item = &'a Answer>, comparison: Comparison) -> Vec<Group> {
    let mut meanings = Meanings::new(comparison);
    let groups = gather(answers, |answer| {
        let forms = answer.values.iter().map(|value| (value.form, meanings.of(value)));
        let forms: Vec<_> = forms.collect();
        (forms, printed_on(answer, Stream::Out), printed_on(answer, Stream::Err))
    });
    let lettered = groups.iter().enumerate();
    let groups = lettered.map(|(place, members)| group(letter(place), members, &mut meanings));
    groups.collect()
}

/// All bytes of one stream: how they were cut into pieces is chance.
fn printed_on(answer: &Answer, stream: Stream) -> Vec<u8> {
    let pieces = answer.output.iter().filter(|(on, _)| *on == stream);
    pieces.flat_map(|(_, bytes)| bytes.iter().copied()).collect()
}

/// Answers of equal keys together: the largest group first, then by its first replica.
fn gather<'a, K: Hash + Eq>(
    answers: impl Iterator<Item = &'a Answer>,
    mut key: impl FnMut(&'a Answer) -> K,
) -> Vec<Vec<&'a Answer>> {
    let mut groups: HashMap<K, Vec<&Answer>> = HashMap::new();
    for answer in answers {
        groups.entry(key(answer)).or_default().push(answer);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|members| (Reverse(members.len()), members[0].replica));
    groups
}

fn group<'a>(letter: String, members: &[&'a Answer], meanings: &mut Meanings<'a>) -> Group {
    let first = members[0];
    let ids: Vec<_> = first.values.iter().map(|printed| meanings.of(printed)).collect();
    let compared: Vec<_> = ids.iter().map(|id| meanings.text(*id)).collect();
    Group {
        letter,
        members: places(members),
        values: first.values.clone(),
        output: first.output.clone(),
        digest: Digest::of(&compared.join("\n")),
    }
}

fn raised_group(members: &[&Answer]) -> RaisedGroup {
    let first = members[0];
    RaisedGroup {
        members: places(members),
        raised: first.raised.clone(),
        output: first.output.clone(),
    }
}

fn silent_group(members: &[&Answer]) -> SilentGroup {
    SilentGroup { members: places(members), outcome: members[0].done.outcome.clone() }
}

fn places(members: &[&Answer]) -> Vec<ReplicaIndex> {
    members.iter().map(|answer| answer.replica).collect()
}

/// Class, pattern of the message, phase and pattern of the first frame.
type ExceptionKey<'a> = (&'a str, String, &'a str, Option<String>);

fn raised_key(raised: &[Raised]) -> Vec<ExceptionKey<'_>> {
    raised.iter().map(exception_key).collect()
}

fn exception_key(Raised { class, message, phase, trace }: &Raised) -> ExceptionKey<'_> {
    (class, pattern(message), phase, trace.first().map(|frame| frame_pattern(frame)))
}

/// The outcome with the pattern of its reason in the reason's place.
fn silent_key(outcome: &Outcome) -> (std::mem::Discriminant<Outcome>, u8, String) {
    use prepl_core::Refusal::{Denied, Limit, Unreadable};
    let kind = match outcome {
        Outcome::Refused(Denied(_)) | Outcome::Unknown { may_still_run: true, .. } => 1,
        Outcome::Refused(Unreadable(_)) => 2,
        Outcome::Refused(Limit(_)) => 3,
        _ => 0,
    };
    let reason = outcome.reason().map(|reason| pattern(reason.as_str())).unwrap_or_default();
    (std::mem::discriminant(outcome), kind, reason)
}

/// `A` … `Z`, `AA`, `AB`, …
fn letter(place: usize) -> String {
    let mut letters = Vec::new();
    let mut left = place + 1;
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!(
            [0, 25, 26, 27, 51, 52, 701, 702].map(letter),
            ["A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"]
        );
    }
}
