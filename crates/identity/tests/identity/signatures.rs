//! A text is signed by whom its certificate names, or by nobody.

use std::time::{Duration, SystemTime};

use prepl_identity::{Authority, Bundle, KeyRequest, Name, NotSigned, Signature, TrustDomain};

const HOUR: Duration = Duration::from_secs(3600);

fn domain() -> TrustDomain {
    "prepl.cluster".parse().unwrap()
}

fn access(authority: &Authority, person: &str) -> Bundle {
    let key = KeyRequest::new().unwrap();
    let name = Name::access(authority.domain(), "shop", "prepl-1", "u1").unwrap();
    let certificate = authority.sign_for(key.csr_pem(), &name, person, HOUR).unwrap();
    key.into_bundle(&certificate, authority.certificate_pem()).unwrap()
}

fn sidecar(authority: &Authority) -> Bundle {
    let name = Name::sidecar(authority.domain(), "u-9").unwrap();
    authority.issue(&name, HOUR).unwrap()
}

#[test]
fn a_member_is_told_by_its_signature_with_the_person_behind() {
    let authority = Authority::create(&domain()).unwrap();
    let user = access(&authority, "system:serviceaccount:shop:mira");
    let signature = user.sign(b"text").unwrap();
    let signer = sidecar(&authority).signer(b"text", &signature, SystemTime::now()).unwrap();
    assert_eq!(&signer.name, user.name());
    assert_eq!(signer.person, "system:serviceaccount:shop:mira");
}

#[test]
fn a_changed_text_a_stranger_and_an_old_certificate_prove_nothing() {
    let authority = Authority::create(&domain()).unwrap();
    let (user, looker) = (access(&authority, "mira"), sidecar(&authority));
    let signature = user.sign(b"text").unwrap();
    let now = SystemTime::now();
    let refused =
        |text: &[u8], signature: &Signature, now| looker.signer(text, signature, now).unwrap_err();
    assert!(matches!(refused(b"other", &signature, now), NotSigned::Forged));
    let mut bent = signature.clone();
    bent.bytes[8] ^= 1;
    assert!(matches!(refused(b"text", &bent, now), NotSigned::Forged));
    let later = now + 2 * HOUR;
    assert!(matches!(refused(b"text", &signature, later), NotSigned::Certificate(_)));
    let stranger = access(&Authority::create(&domain()).unwrap(), "mira").sign(b"text").unwrap();
    assert!(matches!(refused(b"text", &stranger, now), NotSigned::Certificate(_)));
    // Another's certificate beside one's own signature.
    let mixed = Signature { chain: stranger.chain, ..signature.clone() };
    assert!(matches!(refused(b"text", &mixed, now), NotSigned::Certificate(_)));
    let other = access(&authority, "otto").sign(b"text").unwrap();
    let mixed = Signature { chain: other.chain, ..signature.clone() };
    assert!(matches!(refused(b"text", &mixed, now), NotSigned::Forged));
    let none = Signature { chain: Vec::new(), ..signature.clone() };
    assert!(matches!(refused(b"text", &none, now), NotSigned::Chain));
    let many = Signature { chain: vec![signature.chain[0].clone(); 5], ..signature.clone() };
    assert!(matches!(refused(b"text", &many, now), NotSigned::Chain));
    let long = Signature { bytes: vec![0; 17 << 10], ..signature };
    assert!(matches!(refused(b"text", &long, now), NotSigned::Chain));
}
