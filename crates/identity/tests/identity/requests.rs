//! Keys that are certified by somebody else's authority.

use std::time::Duration;

use crate::common::{credentials, domain, fleet, gateway, shake, sidecar};
use prepl_identity::{Bundle, Credentials, IssueError, KeyRequest, MAX_REQUEST_BYTES, Name};
use rcgen::{CertificateParams, KeyPair, SanType};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_certified_key_shakes_hands_like_any_other() {
    let authority = fleet();
    let request = KeyRequest::new().unwrap();
    let certificate = authority.sign(request.csr_pem(), &sidecar("a"), HOUR).unwrap();
    let bundle = request.into_bundle(&certificate, authority.certificate_pem()).unwrap();
    assert_eq!(bundle.name(), &sidecar("a"));
    let server = Credentials::fixed(bundle);
    let client = credentials(&authority, &gateway());
    let (at_client, _) = shake(&client, &server, &sidecar("a")).await;
    assert_eq!(at_client.unwrap().peer(), &sidecar("a"));
}

#[test]
fn names_and_powers_that_a_request_claims_are_not_taken_over() {
    let authority = fleet();
    let mut params = CertificateParams::default();
    let claimed = Name::gateway(&domain(), "root").unwrap().to_string();
    params.subject_alt_names = vec![SanType::URI(claimed.try_into().unwrap())];
    let key = KeyPair::generate().unwrap();
    let request = params.serialize_request(&key).unwrap().pem().unwrap();
    let certificate = authority.sign(&request, &sidecar("a"), HOUR).unwrap();
    let text = key.serialize_pem() + &certificate + authority.certificate_pem();
    assert_eq!(Bundle::parse(&text).unwrap().name(), &sidecar("a"));
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let request = KeyRequest::new().unwrap();
    let mut lines: Vec<String> = request.csr_pem().lines().map(str::to_owned).collect();
    let last = lines.len() - 2;
    // The end of the text is the signature.
    let turned = if lines[last].starts_with('A') { 'B' } else { 'A' };
    lines[last].replace_range(0..1, &turned.to_string());
    let refused = fleet().sign(&(lines.join("\n") + "\n"), &sidecar("a"), HOUR);
    assert!(matches!(refused, Err(IssueError::BadRequest)), "{refused:?}");
}

#[test]
fn what_is_no_request_is_refused() {
    let long = "A".repeat(MAX_REQUEST_BYTES + 1);
    for text in
        ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----", &long]
    {
        let refused = fleet().sign(text, &sidecar("a"), HOUR);
        assert!(matches!(refused, Err(IssueError::BadRequest)), "{text:.40}");
    }
}

#[test]
fn a_request_shows_no_key() {
    let shown = format!("{:?}", KeyRequest::new().unwrap());
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
