//! That a replica is one of those that were named, shown in few bytes.
//!
//! A hash tree over UIDs as in RFC 9162 section 2.1, but that a node without a neighbour rises
//! unchanged: whoever knows the root is convinced by one hash for each level.

use sha2::{Digest as _, Sha256};

use crate::Digest;

/// So many UIDs at most: 2³², which takes 32 levels.
const MAX_LEVELS: usize = 32;

/// The hash tree over UIDs in their order.
#[derive(Clone, Debug)]
pub struct Members(Vec<Vec<Digest>>);

/// How to get from one UID to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Place of the UID, from 0.
    pub place: u32,
    /// The neighbours on the way up.
    pub neighbours: Vec<Digest>,
}

impl Members {
    /// The tree of these UIDs.
    pub fn of<'a>(uids: impl IntoIterator<Item = &'a str>) -> Members {
        let mut levels = vec![uids.into_iter().map(leaf).collect::<Vec<_>>()];
        while let Some(last) = levels.last().filter(|level| level.len() > 1) {
            let pairs = last.chunks(2).map(|pair| match pair {
                [left, right] => node(left, right),
                // It rises.
                _ => pair[0],
            });
            levels.push(pairs.collect());
        }
        Members(levels)
    }

    /// How many.
    pub fn count(&self) -> u32 {
        self.0.first().map_or(0, |leaves| u32::try_from(leaves.len()).unwrap_or(u32::MAX))
    }

    /// The root; that of no UIDs is the hash of nothing.
    pub fn root(&self) -> Digest {
        let top = self.0.last().and_then(|level| level.first());
        top.copied().unwrap_or_else(|| hash(&[]))
    }

    /// The proof of the UID at a place.
    pub fn proof(&self, place: u32) -> Proof {
        let mut at = place as usize;
        let mut neighbours = Vec::new();
        for level in &self.0 {
            neighbours.extend(level.get(at ^ 1).copied());
            at /= 2;
        }
        Proof { place, neighbours }
    }
}

/// Whether a UID is one of `count` under `root`.
pub fn is_member(uid: &str, proof: &Proof, count: u32, root: &Digest) -> bool {
    if proof.place >= count || proof.neighbours.len() > MAX_LEVELS {
        return false;
    }
    let (mut at, mut width) = (proof.place, count);
    let mut reached = leaf(uid);
    let mut neighbours = proof.neighbours.iter();
    while width > 1 {
        if at ^ 1 < width {
            let Some(neighbour) = neighbours.next() else { return false };
            reached = match at % 2 {
                0 => node(&reached, neighbour),
                _ => node(neighbour, &reached),
            };
        }
        (at, width) = (at / 2, width.div_ceil(2));
    }
    neighbours.next().is_none() && reached == *root
}

/// Leaves and nodes never hash alike.
fn leaf(uid: &str) -> Digest {
    hash(&[&[0], uid.as_bytes()])
}

fn node(left: &Digest, right: &Digest) -> Digest {
    hash(&[&[1], left.as_bytes(), right.as_bytes()])
}

fn hash(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Digest::from_bytes(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uids(count: u32) -> Vec<String> {
        (0..count).map(|number| format!("uid-{number}")).collect()
    }

    fn tree(uids: &[String]) -> Members {
        Members::of(uids.iter().map(String::as_str))
    }

    proptest! {
        #[test]
        fn every_member_has_a_proof_and_nobody_else(count in 1_u32..70, other in 0_u32..70) {
            let all = uids(count);
            let members = tree(&all);
            prop_assert_eq!(members.count(), count);
            for (place, uid) in (0..).zip(&all) {
                let proof = members.proof(place);
                prop_assert!(is_member(uid, &proof, count, &members.root()));
                prop_assert!(!is_member("uid-x", &proof, count, &members.root()));
                let elsewhere = Proof { place: other, ..proof.clone() };
                prop_assert_eq!(is_member(uid, &elsewhere, count, &members.root()), other == place);
                let mut longer = proof;
                longer.neighbours.push(members.root());
                prop_assert!(!is_member(uid, &longer, count, &members.root()));
            }
        }

        #[test]
        fn another_set_has_another_root(count in 1_u32..40, changed in 0_u32..40) {
            let all = uids(count);
            let mut other = all.clone();
            other[(changed % count) as usize] = "another".to_owned();
            prop_assert_ne!(tree(&all).root(), tree(&other).root());
            other.truncate(count as usize - 1);
            prop_assert_ne!(tree(&all).root(), tree(&other).root());
        }
    }

    #[test]
    fn a_node_is_no_uid() {
        let members = tree(&uids(4));
        let inner = &members.0[1];
        // A "UID" of the bytes that a node hashes does not stand for the node.
        let forged = Proof { place: 0, neighbours: vec![inner[1]] };
        assert!(!is_member("uid-0", &forged, 2, &members.root()));
    }
}
