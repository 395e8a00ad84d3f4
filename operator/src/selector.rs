//! Field selectors of Kubernetes.

/// A value in a field selector: what it holds cannot leave its place.
#[must_use]
pub fn escaped(value: &str) -> String {
    let special = |c: char| matches!(c, '\\' | ',' | '=');
    value.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_cannot_leave_its_place_in_a_selector() {
        assert_eq!(escaped("mira"), "mira");
        assert_eq!(escaped(r"CN=a,O=b\"), r"CN\=a\,O\=b\\");
    }
}
