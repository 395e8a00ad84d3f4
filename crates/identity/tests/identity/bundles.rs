//! Bundle files: what is written, what is refused and in which words.

use std::fs;
use std::path::PathBuf;

use crate::common::{bundle, fleet, forged, gateway, sidecar, uri};
use prepl_identity::{
    Bundle, BundleError, BundleProblem, CertificateProblem, Credentials, FileError, MAX_FILE_BYTES,
    NameError, PemProblem,
};
use rcgen::{CertificateParams, KeyPair};

/// The PEM sections of a text.
fn sections(text: &str) -> Vec<String> {
    let bodies = text.split("-----BEGIN").skip(1);
    bodies.map(|body| format!("-----BEGIN{body}")).collect()
}

fn problem_of(text: &str) -> BundleProblem {
    Bundle::parse(text).unwrap_err()
}

fn folder_with(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    bundle_file(&path, text.as_bytes(), 0o600);
    (folder, path)
}

fn bundle_file(path: &std::path::Path, bytes: &[u8], mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_bundle_reads_back_from_its_file() {
    let (_folder, path) = folder_with("old");
    let written = bundle(&fleet(), &sidecar("a"));
    written.write(&path).unwrap();
    let read = Bundle::read(&path).unwrap();
    assert_eq!(read.secret_pem(), written.secret_pem());
    assert_eq!(read.name(), &sidecar("a"));
}

#[test]
fn a_written_bundle_is_for_its_owner_alone_and_leaves_nothing_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder_with("old");
    bundle_file(&path, b"old", 0o644);
    bundle(&fleet(), &sidecar("a")).write(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_remedy() {
    for mode in [0o640, 0o604, 0o620, 0o644] {
        let (_folder, path) = folder_with("");
        bundle_file(&path, b"", mode);
        let error = Bundle::read(&path).unwrap_err();
        assert!(
            matches!(error, BundleError::File(FileError::TooOpen { mode: seen, .. }) if seen == mode)
        );
        assert!(error.to_string().ends_with(&format!("run: chmod 600 {}", path.display())));
    }
}

#[test]
fn a_file_that_only_its_owner_can_read_need_not_be_writable() {
    let (_folder, path) = folder_with("");
    bundle_file(&path, bundle(&fleet(), &gateway()).secret_pem().as_bytes(), 0o400);
    assert!(Bundle::read(&path).is_ok());
}

#[test]
fn files_that_are_no_text_or_too_large_or_missing_are_told_apart() {
    let (folder, path) = folder_with("");
    bundle_file(&path, &[0xff, 0xfe], 0o600);
    assert!(matches!(Bundle::read(&path), Err(BundleError::File(FileError::NotText { .. }))));
    bundle_file(&path, &vec![b'a'; MAX_FILE_BYTES as usize + 1], 0o600);
    assert!(matches!(Bundle::read(&path), Err(BundleError::File(FileError::TooLarge { .. }))));
    let nowhere = folder.path().join("nowhere/bundle.pem");
    assert!(matches!(Bundle::read(&nowhere), Err(BundleError::File(FileError::Unreadable { .. }))));
    let unwritten = bundle(&fleet(), &gateway()).write(&nowhere);
    assert!(matches!(unwritten, Err(FileError::Unwritable { .. })));
}

#[test]
fn an_error_names_the_file_and_what_is_wrong() {
    let (_folder, path) = folder_with("hello");
    let error = Bundle::read(&path).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    assert!(error.contains("it has no private key"), "{error}");
}

#[test]
fn each_missing_or_misplaced_section_has_its_own_reason() {
    let authority = fleet();
    let whole = bundle(&authority, &sidecar("a"));
    let [key, own, anchor] = <[String; 3]>::try_from(sections(whole.secret_pem())).unwrap();
    let other = sections(bundle(&authority, &sidecar("b")).secret_pem())[0].clone();

    let pem = BundleProblem::Pem;
    let cases = [
        (String::new(), pem(PemProblem::NoKey)),
        (format!("{own}{anchor}"), pem(PemProblem::NoKey)),
        (format!("{key}{key}{own}{anchor}"), pem(PemProblem::ManyKeys)),
        (format!("{key}{own}{}", anchor.repeat(32)), pem(PemProblem::ManyCertificates)),
        (whole.secret_pem()[..300].to_owned(), pem(PemProblem::Damaged)),
        (whole.secret_pem().replace("CERTIFICATE", "X509 CRL"), pem(PemProblem::Foreign)),
        (key.clone(), BundleProblem::NoAnchor),
        (format!("{key}{own}"), BundleProblem::NoAnchor),
        (format!("{key}{anchor}"), BundleProblem::NoCertificate),
        (format!("{key}{anchor}{own}"), BundleProblem::ChainAfterAnchors(2)),
        (format!("{other}{own}{anchor}"), BundleProblem::WrongKey),
    ];
    for (text, reason) in cases {
        assert_eq!(problem_of(&text), reason);
    }
}

#[test]
fn a_certificate_of_another_authority_is_refused_and_an_expired_one_is_not() {
    let (own, other) = (fleet(), fleet());
    let whole = bundle(&own, &sidecar("a"));
    let [key, certificate, anchor] = <[String; 3]>::try_from(sections(whole.secret_pem())).unwrap();
    let foreign = other.certificate_pem();
    let problem = problem_of(&format!("{key}{certificate}{foreign}"));
    assert_eq!(problem, BundleProblem::WrongAuthority);
    for anchors in [format!("{anchor}{foreign}"), format!("{foreign}{anchor}")] {
        assert!(Bundle::parse(&format!("{key}{certificate}{anchors}")).is_ok());
    }
    let expired = forged(&own, |params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    assert!(Bundle::parse(&expired).is_ok());
}

#[test]
fn a_certificate_must_have_exactly_one_name() {
    let authority = fleet();
    let first = |problem| BundleProblem::Certificate { position: 1, problem };
    let (one, two) = (sidecar("a").to_string(), sidecar("b").to_string());
    let none = forged(&authority, |params| params.subject_alt_names.clear());
    let both = forged(&authority, |params| params.subject_alt_names = vec![uri(&one), uri(&two)]);
    let odd = forged(&authority, |params| params.subject_alt_names = vec![uri("spiffe://a/b/c")]);
    assert_eq!(problem_of(&none), first(CertificateProblem::UriCount(0)));
    assert_eq!(problem_of(&both), first(CertificateProblem::UriCount(2)));
    assert_eq!(problem_of(&odd), first(CertificateProblem::BadName(NameError::BadPath)));
}

#[test]
fn a_certificate_that_is_no_certificate_is_named_by_its_position() {
    let whole = bundle(&fleet(), &sidecar("a"));
    let [key, own, _] = <[String; 3]>::try_from(sections(whole.secret_pem())).unwrap();
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let problem = problem_of(&format!("{key}{own}{hollow}"));
    let unreadable = CertificateProblem::Unreadable;
    assert_eq!(problem, BundleProblem::Certificate { position: 2, problem: unreadable });
}

#[test]
fn an_authority_that_signs_but_is_not_self_issued_belongs_to_the_chain() {
    // A root elsewhere, an intermediate below it, and a member below that.
    let root = fleet();
    let intermediate_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "middle");
    let root_key = KeyPair::from_pem(&root.secret_pem()).unwrap();
    let above = rcgen::Issuer::new(CertificateParams::default(), root_key);
    let intermediate = params.signed_by(&intermediate_key, &above).unwrap().pem();
    let whole = bundle(&root, &sidecar("a"));
    let [key, own, anchor] = <[String; 3]>::try_from(sections(whole.secret_pem())).unwrap();
    assert!(Bundle::parse(&format!("{key}{own}{intermediate}{anchor}")).is_ok());
    let problem = problem_of(&format!("{key}{own}{anchor}{intermediate}"));
    assert_eq!(problem, BundleProblem::ChainAfterAnchors(3));
}

#[test]
fn no_way_to_print_shows_the_key() {
    let authority = fleet();
    let bundle = bundle(&authority, &sidecar("a"));
    let secret = bundle.secret_pem().lines().nth(1).unwrap().to_owned();
    let seen = format!("{bundle:?} {:?} {authority:?}", Credentials::fixed(bundle.clone()));
    assert!(!seen.contains(&secret) && !seen.contains("PRIVATE"), "{seen}");
}

#[test]
fn details_say_who_until_when_and_by_whom() {
    let shown = bundle(&fleet(), &sidecar("a")).details().to_string();
    assert!(shown.starts_with("spiffe://shop.example/sidecar/a, valid from 20"), "{shown}");
    assert!(shown.contains("Z, issued by CN=prepl fleet shop.example "), "{shown}");
}
