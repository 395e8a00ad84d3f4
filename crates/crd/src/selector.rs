//! How objects are found that are about others: field selectors of the API server.

/// Approvals of the access request of this name, in its namespace.
#[must_use]
pub fn approvals_of(request: &str) -> String {
    format!("spec.request.name={}", escaped(request))
}

/// Access requests of a user that are for break-glass.
#[must_use]
pub fn break_glass_of(username: &str) -> String {
    format!("spec.breakGlass=true,spec.user.username={}", escaped(username))
}

/// A value in a field selector: what it holds cannot leave its place.
fn escaped(value: &str) -> String {
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
