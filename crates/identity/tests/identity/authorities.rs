//! The authority: kept in a file, and what it issues.

use std::time::{Duration, SystemTime};

use crate::common::{self, bundle, domain, fleet, gateway, shake, sidecar};
use prepl_identity::{
    Authority, AuthorityError, AuthorityProblem, CLOCK_SKEW, Credentials, FileError, IssueError,
    MEMBER_LIFETIME, Name, PemProblem,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::*;

fn own_certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn an_issued_certificate_says_what_it_is_for_and_nothing_more() {
    let authority = fleet();
    let issued = bundle(&authority, &sidecar("a"));
    let der = own_certificate(issued.secret_pem());
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names, [GeneralName::URI("spiffe://shop.example/sidecar/a")]);
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && usage.client_auth && !usage.any);
    assert!(!certificate.is_ca());
    assert_eq!(certificate.raw_serial().len().clamp(16, 20), certificate.raw_serial().len());

    let der = own_certificate(authority.certificate_pem());
    let (_, root) = X509Certificate::from_der(&der).unwrap();
    let constraints = root.basic_constraints().unwrap().unwrap().value;
    assert!(constraints.ca && constraints.path_len_constraint == Some(0));
}

#[test]
fn no_two_certificates_share_a_serial_number() {
    let authority = fleet();
    let serial = |_| {
        let der = own_certificate(bundle(&authority, &sidecar("a")).secret_pem());
        X509Certificate::from_der(&der).unwrap().1.raw_serial().to_vec()
    };
    let serials: std::collections::HashSet<_> = (0..8).map(serial).collect();
    assert_eq!(serials.len(), 8);
}

#[test]
fn validity_begins_before_now_for_slow_clocks_and_ends_after_the_lifetime() {
    let before = SystemTime::now();
    let issued = fleet().issue(&gateway(), Duration::from_secs(3600)).unwrap();
    let (from, until) = (issued.details().not_before, issued.details().not_after);
    let second = Duration::from_secs(1);
    assert!(from + CLOCK_SKEW + second >= before && from + CLOCK_SKEW <= SystemTime::now());
    assert!(until + second >= before + Duration::from_secs(3600));
    assert!(until <= SystemTime::now() + Duration::from_secs(3600));
}

#[test]
fn no_certificate_outlives_its_authority() {
    let authority = fleet();
    let longest = authority.issue(&gateway(), Duration::MAX).unwrap();
    let der = own_certificate(authority.certificate_pem());
    let end = X509Certificate::from_der(&der).unwrap().1.validity().not_after.timestamp();
    let until = longest.details().not_after.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(i64::try_from(until.as_secs()).unwrap(), end);
}

#[test]
fn a_name_of_another_fleet_is_not_issued() {
    let stranger = Name::sidecar(&"other.example".parse().unwrap(), "a").unwrap();
    let refused = fleet().issue(&stranger, MEMBER_LIFETIME).unwrap_err();
    assert!(matches!(refused, IssueError::OtherFleet { .. }));
}

#[tokio::test]
async fn an_authority_read_from_its_file_is_the_same_authority() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    let authority = fleet();
    authority.write(&path).unwrap();
    let again = Authority::read(&path).unwrap();
    assert_eq!(again.domain(), &domain());
    assert_eq!(again.secret_pem(), authority.secret_pem());
    let caller = Credentials::fixed(bundle(&authority, &gateway()));
    let answerer = Credentials::fixed(bundle(&again, &sidecar("a")));
    let (near, far) = shake(&caller, &answerer, &sidecar("a")).await;
    assert!(near.is_ok() && far.is_ok());
}

#[test]
fn what_is_no_authority_is_refused_with_its_reason() {
    let (authority, other) = (fleet(), fleet());
    let member = bundle(&authority, &gateway());
    let key = |pem: &str| pem.split_once("-----BEGIN CERT").unwrap().0.to_owned();
    let cases = [
        (authority.certificate_pem().to_owned(), AuthorityProblem::Pem(PemProblem::NoKey)),
        (key(&authority.secret_pem()), AuthorityProblem::CertificateCount(0)),
        (member.secret_pem().to_owned(), AuthorityProblem::CertificateCount(2)),
        (key(&other.secret_pem()) + authority.certificate_pem(), AuthorityProblem::WrongKey),
    ];
    for (text, reason) in cases {
        assert_eq!(Authority::parse(&text).unwrap_err(), reason);
    }
    let leaf = common::forged(&authority, |_| {});
    let leaf = leaf.strip_suffix(authority.certificate_pem()).unwrap();
    assert_eq!(Authority::parse(leaf).unwrap_err(), AuthorityProblem::NotAuthority);
}

#[test]
fn an_authority_that_has_ended_issues_nothing() {
    let text = rooted(|params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    let refused = Authority::parse(&text).unwrap().issue(&gateway(), MEMBER_LIFETIME).unwrap_err();
    assert!(refused.to_string().contains("2002-01-01T00:00:00Z"), "{refused}");
}

#[test]
fn a_root_that_names_no_fleet_is_refused() {
    let text = rooted(|params| params.subject_alt_names.clear());
    assert_eq!(Authority::parse(&text).unwrap_err(), AuthorityProblem::NoDomain);
    let text = rooted(|params| params.subject_alt_names = vec![common::uri("spiffe://UPPER")]);
    assert_eq!(Authority::parse(&text).unwrap_err(), AuthorityProblem::NoDomain);
}

/// A root made by hand, with its key.
fn rooted(change: impl FnOnce(&mut rcgen::CertificateParams)) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.subject_alt_names = vec![common::uri(&domain().uri())];
    change(&mut params);
    key.serialize_pem() + &params.self_signed(&key).unwrap().pem()
}

#[test]
fn an_authority_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    fleet().write(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Authority::read(&path).unwrap_err();
    assert!(matches!(refused, AuthorityError::File(FileError::TooOpen { .. })));
}
