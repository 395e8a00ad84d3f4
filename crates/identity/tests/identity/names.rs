//! Names have one spelling, and nothing else is a name.

use prepl_identity::{Name, NameError, Role, TrustDomain};
use proptest::prelude::*;

fn any_name() -> impl Strategy<Value = Name> {
    let domain = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z0-9]{1,10}){0,3}";
    let part = "[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,127}";
    let role = prop::sample::select(vec![Role::Viewer, Role::Evaluator, Role::Admin]);
    (domain, part, role, 0..3_u8).prop_map(|(domain, part, role, kind)| {
        let domain: TrustDomain = domain.parse().unwrap();
        let name = match kind {
            0 => Name::sidecar(&domain, &part),
            1 => Name::gateway(&domain, &part),
            _ => Name::user(&domain, role, &part),
        };
        name.unwrap()
    })
}

proptest! {
    #[test]
    fn a_name_reads_back_as_itself(name in any_name()) {
        prop_assert_eq!(name.to_string().parse::<Name>(), Ok(name));
    }

    #[test]
    fn what_reads_as_a_name_is_its_only_spelling(
        text in "spiffe://[a-z.-]{1,8}/(sidecar|gateway|user/(viewer|admin|root))/[a-zA-Z0-9._%/ -]{0,6}",
    ) {
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _ = text.parse::<Name>();
        let _ = format!("spiffe://a/{text}").parse::<Name>();
    }
}

#[test]
fn the_forms_are_written_as_agreed() {
    let domain = "td".parse().unwrap();
    let forms = [
        (Name::sidecar(&domain, "8f-1"), "spiffe://td/sidecar/8f-1"),
        (Name::gateway(&domain, "main"), "spiffe://td/gateway/main"),
        (Name::controller(&domain, "c-1"), "spiffe://td/controller/c-1"),
        (Name::access(&domain, "shop", "prepl-x", "u-1"), "spiffe://td/access/shop/prepl-x/u-1"),
        (Name::user(&domain, Role::Evaluator, "eve"), "spiffe://td/user/evaluator/eve"),
    ];
    for (name, uri) in forms {
        assert_eq!(name.unwrap().to_string(), uri);
    }
}

#[test]
fn other_spellings_are_refused_with_their_reason() {
    let cases = [
        ("https://td/sidecar/a", NameError::NotSpiffe),
        ("SPIFFE://td/sidecar/a", NameError::NotSpiffe),
        ("spiffe://td", NameError::BadPath),
        ("spiffe://td/", NameError::BadPath),
        ("spiffe://td/pod/a", NameError::BadPath),
        ("spiffe://td/user/eve", NameError::BadPath),
        ("spiffe://td/access/shop/prepl-x", NameError::BadPath),
        ("spiffe://td/access/shop/prepl-x/u/1", NameError::BadPart),
        ("spiffe://td/user/root/eve", NameError::BadRole),
        ("spiffe://td/user/Admin/eve", NameError::BadRole),
        ("spiffe:///sidecar/a", NameError::BadDomain),
        ("spiffe://TD/sidecar/a", NameError::BadDomain),
        ("spiffe://td:443/sidecar/a", NameError::BadDomain),
        ("spiffe://u@td/sidecar/a", NameError::BadDomain),
        ("spiffe://-td/sidecar/a", NameError::BadDomain),
        ("spiffe://t..d/sidecar/a", NameError::BadDomain),
        ("spiffe://td/sidecar/", NameError::BadPart),
        ("spiffe://td/sidecar/..", NameError::BadPart),
        ("spiffe://td/sidecar/a/b", NameError::BadPart),
        ("spiffe://td/sidecar/a/", NameError::BadPart),
        ("spiffe://td/sidecar/%61", NameError::BadPart),
        ("spiffe://td/sidecar/a?b", NameError::BadPart),
        ("spiffe://td/sidecar/a#b", NameError::BadPart),
        ("spiffe://td/sidecar/ü", NameError::BadPart),
        ("spiffe://td/sidecar/a\n", NameError::BadPart),
    ];
    for (text, reason) in cases {
        assert_eq!(text.parse::<Name>(), Err(reason), "{text:?}");
    }
}

#[test]
fn lengths_are_bounded_at_their_limits() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(longest.len(), 253);
    let domain: TrustDomain = longest.parse().unwrap();
    assert_eq!(format!("{longest}a").parse::<TrustDomain>(), Err(NameError::BadDomain));
    assert_eq!("a".repeat(64).parse::<TrustDomain>(), Err(NameError::BadDomain));

    let name = Name::user(&domain, Role::Evaluator, &"n".repeat(128)).unwrap();
    assert_eq!(name.to_string().parse(), Ok(name));
    let part = "n".repeat(128);
    let name = Name::access(&domain, &part, &part, &part).unwrap();
    assert_eq!(name.to_string().parse(), Ok(name));
    assert_eq!(Name::sidecar(&domain, &"n".repeat(129)), Err(NameError::BadPart));
    let endless = format!("spiffe://td/sidecar/{}", "n".repeat(800));
    assert_eq!(endless.parse::<Name>(), Err(NameError::TooLong));
}

#[test]
fn roles_are_ordered_from_least_to_most() {
    assert!(Role::Viewer < Role::Evaluator && Role::Evaluator < Role::Admin);
}
