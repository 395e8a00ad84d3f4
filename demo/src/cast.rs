//! Who the replicas of the demo are: two versions, three zones, one replica that differs.

use crate::args::Service;

/// One replica of the demo.
#[derive(Clone, Debug)]
pub struct Part {
    pub name: String,
    pub node: String,
    pub service: Service,
}

/// Suffixes as Kubernetes makes them, the same at every start so that documents stay true.
const SUFFIXES: [&str; 12] = [
    "2hx8d", "4hhs2", "7tt4e", "9kq5c", "bv6zn", "d8fmw", "g5rjx", "k9x2p", "m2l0s", "p4mzz",
    "wq7rt", "x0d1c",
];

/// The parts of a fleet of `count` replicas.
pub fn parts(count: u16) -> Vec<Part> {
    (0..usize::from(count)).map(part).collect()
}

fn part(number: usize) -> Part {
    // Two of twelve run the old version, both in zone c; one of them lost sessions.
    let (place, round) = (number % SUFFIXES.len(), number / SUFFIXES.len());
    let old = place == 7 || place == 10;
    let zone = if old { "c" } else { ["a", "b", "c"][place % 3] };
    let (version, set) = if old { ("2.40.3", "api-5d2b1") } else { ("2.41.0", "api-6f7c9") };
    let round = if round == 0 { String::new() } else { round.to_string() };
    let service = Service {
        version: version.to_owned(),
        zone: zone.to_owned(),
        sessions: if place == 7 { 291 } else { 344 },
        cache_generation: if old { 117 } else { 118 },
        cache_size: if old { 39_870 } else { 40_212 },
        features: if old { Vec::new() } else { vec!["new-cart".to_owned()] },
    };
    let name = format!("{set}-{}{round}", SUFFIXES[place]);
    Part { name, node: format!("node-{zone}"), service }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn there_are_two_versions_three_zones_and_one_that_differs() {
        let parts = parts(12);
        let distinct = |of: fn(&Part) -> String| parts.iter().map(of).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|part| part.name.clone()), 12);
        assert_eq!(distinct(|part| part.service.version.clone()), 2);
        assert_eq!(distinct(|part| part.service.zone.clone()), 3);
        assert_eq!(parts.iter().filter(|part| part.service.sessions != 344).count(), 1);
    }

    #[test]
    fn names_stay_distinct_in_a_large_fleet() {
        let names: HashSet<_> = parts(200).into_iter().map(|part| part.name).collect();
        assert_eq!(names.len(), 200);
    }
}
