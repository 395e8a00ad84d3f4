//! A gateway whose every key is stolen, played by the test: it can drop and read, but not invent,
//! widen, replay or redirect an evaluation.

use prepl_core::{Class, Limits, Origin, RequestId, Selection};
use prepl_gateway::claim::{Shown, signed_run};
use prepl_gateway::remote::wire::start_run;
use prepl_gateway::{Dialer, Gateway, Plan};
use prepl_identity::{Authority, Credentials, Role};
use prepl_proto::v1;
use prepl_tests::{Asked, Cluster, World, access, plan, shown};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The thief, with the keys of a gateway and what a user once signed.
struct Thief {
    cluster: Cluster,
    dialer: Dialer,
}

impl Thief {
    async fn of(replicas: usize) -> Thief {
        let cluster = Cluster::of(World::of_rhai(replicas).await, 0);
        let dialer = Dialer::new(&Credentials::fixed(cluster.gateway_bundle("stolen")));
        Thief { cluster, dialer }
    }

    fn all(&self) -> Selection {
        self.cluster.world.selection()
    }

    fn first(&self) -> Selection {
        Selection::of(vec![self.cluster.world.replicas()[0].clone()])
    }

    fn signed(&self, selection: &Selection, plan: &Plan) -> Shown {
        shown(&self.cluster.access("mira"), selection, plan)
    }

    /// Asks `selection` for `plan`, showing something.
    async fn ask(&self, shown: Option<Shown>, selection: &Selection, plan: Plan) -> Asked {
        let gateway = Gateway::new(self.dialer.on_behalf_of("mira".into(), shown));
        let gateway = self.cluster.world.records().with(gateway);
        Asked::ask(&gateway, selection, plan).await
    }
}

/// Nothing ran anywhere, for this reason.
fn refused(asked: &Asked, reason: &str) {
    for (place, class) in asked.classes().into_iter().enumerate() {
        assert_eq!(class, Class::Refused, "{:?}", asked.answers[place]);
        assert!(asked.reason(place).contains(reason), "{:?} in {}", reason, asked.reason(place));
        assert!(asked.values(place).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_signed_is_done() {
    let thief = Thief::of(5).await;
    let plan = plan("6 * 7");
    let shown = thief.signed(&thief.all(), &plan);
    let asked = thief.ask(Some(shown), &thief.all(), plan).await;
    assert_eq!(asked.classes(), [Class::Ok; 5], "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_invented() {
    let thief = Thief::of(1).await;
    let asked = thief.ask(None, &thief.all(), plan("1")).await;
    refused(&asked, "shows nothing that its user signed");
    let stranger = Authority::create(thief.cluster.world.authority().domain()).unwrap();
    let plan = plan("1");
    let forged = shown(&access(&stranger, "mira"), &thief.all(), &plan);
    refused(&thief.ask(Some(forged), &thief.all(), plan.clone()).await, "authority");
    let own = shown(&thief.cluster.gateway_bundle("stolen"), &thief.all(), &plan);
    refused(&thief.ask(Some(own), &thief.all(), plan.clone()).await, "gateway/stolen");
    let local = shown(&thief.cluster.world.user(Role::Admin, "mira"), &thief.all(), &plan);
    refused(&thief.ask(Some(local), &thief.all(), plan).await, "user/admin/mira");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_widened() {
    let thief = Thief::of(1).await;
    let few = Limits::new(Duration::from_secs(1), 1 << 10, 1 << 10).unwrap();
    let asked = Plan { limits: few, ..plan("1") };
    let wide = Plan { limits: Limits::default(), ..asked.clone() };
    let session = Plan { session: "s1".parse().ok(), ..asked.clone() };
    let other = Plan { expression: plan("2").expression, ..asked.clone() };
    let file = Plan { origin: Origin::File("a.rhai".parse().unwrap()), ..asked.clone() };
    for (changed, reason) in [
        (wide, "less time"),
        (session, "another session"),
        (other, "another expression"),
        (file, "another file"),
    ] {
        let shown = thief.signed(&thief.all(), &asked);
        refused(&thief.ask(Some(shown), &thief.all(), changed).await, reason);
    }
    // Less of it is covered.
    let less = Limits::new(Duration::from_millis(500), 1 << 9, 1 << 9).unwrap();
    let shown = thief.signed(&thief.all(), &asked);
    let less = thief.ask(Some(shown), &thief.all(), Plan { limits: less, ..asked }).await;
    assert_eq!(less.classes(), [Class::Ok], "{}", less.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_signed_as_read_only_does_not_become_a_write() {
    let thief = Thief::of(2).await;
    let read = Plan { read_only: true, ..plan("6 * 7") };
    let stripped = Plan { read_only: false, ..read.clone() };
    let shown = thief.signed(&thief.all(), &read);
    refused(&thief.ask(Some(shown), &thief.all(), stripped.clone()).await, "read-only");
    let shown = thief.signed(&thief.all(), &read);
    let asked = thief.ask(Some(shown), &thief.all(), read.clone()).await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{}", asked.reason(0));
    // The other way round it is less than was signed.
    let (write, read) = (plan("2"), Plan { read_only: true, ..plan("2") });
    let read = Plan { request: write.request, run: write.run, ..read };
    let shown = thief.signed(&thief.all(), &write);
    let asked = thief.ask(Some(shown), &thief.all(), read).await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_redirected() {
    let thief = Thief::of(3).await;
    let plan = plan("1");
    // Signed for the first replica, shown to all: the others get a proof that is not theirs.
    let signed = signed_run(
        &thief.cluster.access("mira"),
        &start_run(&thief.first(), &plan),
        SystemTime::now(),
    );
    let uids: Vec<Arc<str>> =
        thief.all().replicas().iter().map(|replica| Arc::clone(&replica.id.uid)).collect();
    let shown = Shown::of(signed.unwrap(), &uids);
    refused(&thief.ask(Some(shown), &thief.all(), plan.clone()).await, "other replicas");
    // Where it was signed for, it is done.
    let shown = thief.signed(&thief.first(), &plan);
    let asked = thief.ask(Some(shown), &thief.first(), plan).await;
    assert_eq!(asked.classes(), [Class::Ok], "{}", asked.reason(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_done_again() {
    let thief = Thief::of(1).await;
    let counting = Plan { session: "s1".parse().ok(), ..plan("let n = 1;") };
    let shown = thief.signed(&thief.all(), &counting);
    assert_eq!(thief.ask(Some(shown), &thief.all(), counting).await.classes(), [Class::Ok]);
    let request = RequestId::from_random([9; 16]);
    let asked = Plan { session: "s1".parse().ok(), request, ..plan("n += 1; n") };
    for _ in 0..3 {
        let shown = thief.signed(&thief.all(), &asked);
        let again = thief.ask(Some(shown), &thief.all(), asked.clone()).await;
        assert_eq!(again.values(0).last(), Some(&"2"), "the first answer, and nothing runs");
    }
    let other = Plan { request: RequestId::from_random([8; 16]), ..asked.clone() };
    let shown = thief.signed(&thief.all(), &asked);
    refused(&thief.ask(Some(shown), &thief.all(), other).await, "another request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_who_signed_and_not_whom_the_gateway_names() {
    let thief = Thief::of(1).await;
    let keep = Plan { session: "s1".parse().ok(), ..plan("let secret = 5;") };
    let kept = thief.signed(&thief.all(), &keep);
    thief.ask(Some(kept), &thief.all(), keep).await;
    let steal = Plan { session: "s1".parse().ok(), ..plan("secret") };
    let ottos = shown(&thief.cluster.access("otto"), &thief.all(), &steal);
    // The gateway says "mira"; otto signed.
    let asked = thief.ask(Some(ottos), &thief.all(), steal).await;
    assert_eq!(asked.classes(), [Class::Raised], "{:?}", asked.values(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_bent_is_refused() {
    let thief = Thief::of(1).await;
    let plan = plan("1");
    let good = signed_run(
        &thief.cluster.access("mira"),
        &start_run(&thief.all(), &plan),
        SystemTime::now(),
    )
    .unwrap();
    let bent = |change: fn(&mut v1::Signed)| {
        let mut bent = good.clone();
        change(&mut bent);
        Shown::of(bent, &[Arc::clone(&thief.cluster.world.replicas()[0].id.uid)])
    };
    for (shown, reason) in [
        (bent(|one| one.claim[5] ^= 1), "signature"),
        (bent(|one| one.signature[9] ^= 1), "signature"),
        (bent(|one| one.chain.clear()), "no usable certificates"),
        (bent(|one| one.claim.clear()), "understand"),
        (bent(|one| one.claim = vec![0xff; 9000]), "understand"),
    ] {
        refused(&thief.ask(Some(shown), &thief.all(), plan.clone()).await, reason);
    }
}
