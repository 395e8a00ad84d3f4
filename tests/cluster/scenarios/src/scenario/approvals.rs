//! Approvals and break-glass: what is approved runs once, and every way round it has its own denial.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Problem, apply, ensure, feed, get, kubectl, wait_until};
use crate::person::{Person, Ran, administrator};
use crate::shop::{self, IDLE, NAMESPACE};

/// A change of a policy is known to every gateway within moments.
const KNOWN_WITHIN: Duration = Duration::from_secs(20);
/// A policy of its own for a workload of its own, so that other scenarios go on.
const WORKLOAD: &str = "vault";

/// The people of these scenarios are service accounts, but for the administrator.
fn policy(more: &str) -> Result<(), Problem> {
    apply(&format!(
        "{{apiVersion: prepl.dev/v1alpha1, kind: ReplPolicy, metadata: {{name: four-eyes, namespace: {NAMESPACE}}},
 spec: {{selector: {{matchLabels: {{app: {WORKLOAD}}}}}, {more}}}}}"
    ))
    .map(drop)
}

const TWO_EYES: &str = "approvals: {count: 1, fromServiceAccounts: true}";

/// The service, a policy that is known to the gateways, and somebody held to it.
fn open(name: &str, more: &str) -> Result<Person, Problem> {
    shop::namespace(NAMESPACE)?;
    apply(&shop::deployment(NAMESPACE, WORKLOAD, 2, IDLE))?;
    shop::rolled_out(NAMESPACE, WORKLOAD)?;
    shop::answering(NAMESPACE, WORKLOAD)?;
    let person = Person::evaluator(name, NAMESPACE)?;
    let users = ["--user=otto", "--user=ada", "--user=bo", "--user=somebody-else"];
    let bind =
        ["create", "rolebinding", "approvers", "--clusterrole=prepl-approver", "-n", NAMESPACE];
    let made = ["--dry-run=client", "-o", "json"];
    apply(&kubectl(&[&bind[..], &users[..], &made[..]].concat())?)?;
    policy(more)?;
    wait_until(KNOWN_WITHIN, || {
        let plan = person.prepl(&asking(&["--dry-run", "plan", "1"]))?;
        ensure(plan.out.contains("missing"), || format!("{}{}", plan.out, plan.err))
    })?;
    Ok(person)
}

/// The policy is away when a scenario is over, however it ended.
fn closed<T>(played: Result<T, Problem>) -> Result<T, Problem> {
    kubectl(&["-n", NAMESPACE, "delete", "replpolicy", "four-eyes", "--ignore-not-found"])?;
    played
}

fn asking<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["exec", "-n", NAMESPACE, "deploy/vault"], more].concat()
}

/// Asks for a run and comes back later: the name of its request.
fn asked(person: &Person, expression: &str) -> Result<String, Problem> {
    let asked = person.prepl(&asking(&["--async", "--reason", "a scenario", expression]))?;
    ensure(asked.code == 11, || format!("exit {}: {}{}", asked.code, asked.out, asked.err))?;
    let told = asked.err.contains("prepl request approve");
    ensure(told, || format!("nothing for the approver: {}", asked.err))?;
    Ok(asked.out.trim().to_owned())
}

fn request(person: &Person, deed: &str, name: &str, more: &[&str]) -> Result<Ran, Problem> {
    person.prepl(&[&["request", deed, name, "-n", NAMESPACE], more].concat())
}

fn run(person: &Person, name: &str) -> Result<Ran, Problem> {
    request(person, "run", name, &["-o", "raw"])
}

fn approver(name: &str) -> Result<Person, Problem> {
    let person = Person::new(name)?;
    person.may(NAMESPACE, "prepl-approver")?;
    person.may(NAMESPACE, "prepl-viewer")?;
    Ok(person)
}

fn denied(asked: &Ran, words: &str) -> Result<(), Problem> {
    let told = asked.code == 4 && asked.err.contains(words);
    ensure(told, || format!("exit {}, without {words:?}: {}{}", asked.code, asked.out, asked.err))
}

fn allowed(asked: &Ran) -> Result<(), Problem> {
    ensure(asked.code == 0, || format!("exit {}: {}{}", asked.code, asked.out, asked.err))
}

fn sentence(asked: &Ran) -> String {
    asked.err.lines().next().unwrap_or_default().to_owned()
}

/// Approves as it stands, or with something changed, by whoever `as_user` names.
fn forged(name: &str, as_user: &[&str], change: impl FnOnce(&mut Value)) -> Result<(), Problem> {
    let found = get(&["-n", NAMESPACE, "accessrequest", name])?;
    let digests = digests(name)?;
    let review = "{apiVersion: authentication.k8s.io/v1, kind: SelfSubjectReview}";
    let who = [&["create", "-f", "-", "-o", "json", "--validate=false"], as_user].concat();
    let who: Value = serde_json::from_str(&feed(&who, review)?).map_err(|bad| bad.to_string())?;
    let mut approval = serde_json::json!({
        "apiVersion": "prepl.dev/v1alpha1", "kind": "AccessApproval",
        "metadata": {"generateName": format!("{name}-"), "namespace": NAMESPACE},
        "spec": {
            "request": {"name": name, "uid": found["metadata"]["uid"]},
            "approver": who["status"]["userInfo"], "decision": "Approve", "mode": "Eval",
            "expression": digests["expression"], "replicas": digests["replicas"],
        },
    });
    change(&mut approval["spec"]);
    feed(&[&["create", "-f", "-"], as_user].concat(), &approval.to_string()).map(drop)
}

/// The digests that an approval of a request's run has.
fn digests(name: &str) -> Result<Value, Problem> {
    let seen = administrator(&["request", "show", name, "-n", NAMESPACE, "-o", "json"])?;
    allowed(&seen)?;
    let seen: Value = serde_json::from_str(&seen.out).map_err(|bad| bad.to_string())?;
    Ok(seen["digests"].clone())
}

/// What is approved runs, once, and what is asked again is only recalled.
pub fn approved_runs_once() -> Result<String, Problem> {
    let (person, otto) = (open("asker", TWO_EYES)?, approver("otto")?);
    closed((|| {
        let name = asked(&person, "40 + 2")?;
        denied(&run(&person, &name)?, "1 approval of another person is missing")?;
        let unasked = request(&otto, "approve", &name, &[])?;
        ensure(unasked.code == 2, || format!("without a terminal and --yes: {}", unasked.err))?;
        let approved = request(&otto, "approve", &name, &["--yes", "--comment", "seen"])?;
        allowed(&approved)?;
        let shown = approved.err.contains("40 + 2") && approved.err.contains("vault");
        ensure(shown, || format!("the approver does not see it: {}", approved.err))?;
        let first = run(&person, &name)?;
        allowed(&first)?;
        ensure(first.out.contains("42"), || first.out.clone())?;
        let again = run(&person, &name)?;
        allowed(&again)?;
        ensure(again.out == first.out, || format!("another answer: {}", again.out))?;
        let listed = person.prepl(&["request", "list", "-n", NAMESPACE])?;
        ensure(listed.out.contains(&name), || listed.out.clone())?;
        Ok(format!("{name} ran once, and was recalled once"))
    })())
}

/// Who waits goes on by himself when it is approved.
pub fn who_waits_goes_on() -> Result<String, Problem> {
    let (person, otto) = (open("waiter", TWO_EYES)?, approver("otto")?);
    closed((|| {
        let mut child = person.start(&asking(&["-o", "raw", "6 * 7"]))?;
        let found = wait_until(Duration::from_secs(30), || {
            let all = administrator(&["request", "list", "-n", NAMESPACE, "-o", "json"])?;
            let all: Value = serde_json::from_str(&all.out).map_err(|bad| bad.to_string())?;
            let his = |one: &&Value| {
                let user = one["user"].as_str().unwrap_or_default();
                user.ends_with(":waiter") && one["state"] == "open"
            };
            let all = all["requests"].as_array().cloned().unwrap_or_default();
            let name = all.iter().find(his).and_then(|one| one["name"].as_str()).map(str::to_owned);
            let name = name.ok_or("nothing is asked for yet")?;
            allowed(&request(&otto, "approve", &name, &["--yes"])?)
        });
        if found.is_err() {
            let _ = child.kill();
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        found?;
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure(output.status.success() && out.contains("42"), || format!("{out}{err}"))?;
        Ok(err.lines().next().unwrap_or_default().to_owned())
    })())
}

/// An approval is of one expression and one set of replicas, whatever it is tried with.
pub fn approve_then_swap() -> Result<String, Problem> {
    let person = open("swapper", TWO_EYES)?;
    closed((|| {
        let approved = asked(&person, "1 + 1")?;
        forged(&approved, &["--as=otto"], |_| {})?;
        let swapped = the_key_for_another_run(&person, &approved)?;
        let other = asked(&person, "drop_all()")?;
        let seen = digests(&approved)?["expression"].clone();
        forged(&other, &["--as=otto"], |spec| spec["expression"] = seen)?;
        denied(&run(&person, &other)?, "otto approved another expression")?;
        forged(&other, &["--as=ada"], |spec| spec["replicas"] = "0".repeat(64).into())?;
        denied(&run(&person, &other)?, "ada approved other replicas")?;
        forged(&other, &["--as=bo"], |spec| spec["request"]["uid"] = "another".into())?;
        denied(&run(&person, &other)?, "bo approved another request of that name")?;
        allowed(&run(&person, &approved)?)?;
        Ok(swapped)
    })())
}

/// The key of an approved run in place of an ordinary access: it opens that run alone.
fn the_key_for_another_run(person: &Person, approved: &str) -> Result<String, Problem> {
    let key = the_only_file(&person.state().join("prepl/requests"), "pem")?;
    let kept = the_only_file(&person.accesses(), "pem")?;
    let copied = || std::fs::copy(&key, &kept).map_err(|error| error.to_string());
    copied()?;
    let swapped = person.prepl(&asking(&["drop_all()"]))?;
    denied(&swapped, "this access is for one run, and this is another one")?;
    let found = get(&["-n", NAMESPACE, "accessrequest", approved])?;
    let id = found["spec"]["run"]["requestId"].as_str().unwrap_or_default().to_owned();
    let recalled = person.prepl(&asking(&["--request-id", &id, "drop_all()"]))?;
    denied(&recalled, "its expression is another than this one")?;
    std::fs::remove_file(&kept).map_err(|error| error.to_string())?;
    Ok(sentence(&swapped))
}

fn the_only_file(folder: &Path, extension: &str) -> Result<PathBuf, Problem> {
    let files = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let files = files.flatten().map(|file| file.path());
    let mut files = files.filter(|path| path.extension().is_some_and(|one| one == extension));
    let file = files.next().ok_or_else(|| format!("no key in {}", folder.display()))?;
    ensure(files.next().is_none(), || format!("more than one key in {}", folder.display()))?;
    Ok(file)
}

/// Nobody approves his own, under whatever name.
pub fn self_approval() -> Result<String, Problem> {
    let person = open("lonely", TWO_EYES)?;
    person.may(NAMESPACE, "prepl-approver")?;
    closed((|| {
        let name = asked(&person, "1 + 1")?;
        let own = request(&person, "approve", &name, &["--yes"])?;
        denied(&own, "you asked for it yourself")?;
        let user = "--as=system:serviceaccount:default:lonely";
        let uid = get(&["-n", NAMESPACE, "accessrequest", &name])?;
        let uid = uid["spec"]["user"]["uid"].as_str().unwrap_or_default().to_owned();
        forged(&name, &[user], |_| {})?;
        denied(&run(&person, &name)?, "nobody approves his own request")?;
        forged(&name, &["--as=somebody-else", &format!("--as-uid={uid}")], |_| {})?;
        let renamed = run(&person, &name)?;
        denied(&renamed, "somebody-else has the UID of whoever asked")?;
        let lie = forged(&name, &[], |spec| spec["approver"]["username"] = "otto".into());
        let refused = lie.is_err_and(|why| why.contains("prepl-access-approval-approver"));
        ensure(refused, || "an approval in another's name was taken".to_owned())?;
        Ok(sentence(&renamed))
    })())
}

/// An approval grows old.
pub fn an_old_approval() -> Result<String, Problem> {
    let person = open("late", "approvals: {count: 1, expiresSeconds: 1}")?;
    closed((|| {
        let name = asked(&person, "1 + 1")?;
        forged(&name, &["--as=otto"], |_| {})?;
        // Fresh for a second at most: should it run then, its answers cannot be recalled later.
        wait_until(Duration::from_secs(20), || {
            denied(&run(&person, &name)?, "the approval of otto was over")
        })?;
        Ok(sentence(&run(&person, &name)?))
    })())
}

/// A service account counts only where the policy says so.
pub fn a_program_approves() -> Result<String, Problem> {
    let person = open("hasty", "approvals: {count: 1}")?;
    let bot = approver("bot")?;
    closed((|| {
        let name = asked(&person, "1 + 1")?;
        allowed(&request(&bot, "approve", &name, &["--yes"])?)?;
        let robot = run(&person, &name)?;
        denied(&robot, "default:bot is a service account, and this policy counts people alone")?;
        Ok(sentence(&robot))
    })())
}

/// What was approved is not what is there any more.
pub fn the_replica_set_changed() -> Result<String, Problem> {
    let (person, otto) = (open("slow", TWO_EYES)?, approver("otto")?);
    closed((|| {
        let name = asked(&person, "1 + 1")?;
        allowed(&request(&otto, "approve", &name, &["--yes"])?)?;
        let pods = shop::pods(NAMESPACE, WORKLOAD)?;
        let pod = pods[0]["metadata"]["name"].as_str().unwrap_or_default();
        kubectl(&["-n", NAMESPACE, "delete", "pod", pod, "--wait"])?;
        shop::rolled_out(NAMESPACE, WORKLOAD)?;
        wait_until(KNOWN_WITHIN, || {
            let seen = request(&otto, "show", &name, &[])?;
            let told = seen.out.contains("gone since") && seen.out.contains("came since");
            ensure(told, || format!("the change is not shown: {}{}", seen.out, seen.err))
        })?;
        let changed = run(&person, &name)?;
        denied(&changed, "the replica set has changed: 1 of the 2 replicas")?;
        Ok(sentence(&changed))
    })())
}

/// One denial ends it, also when it is deleted afterwards.
pub fn a_denial_ends_it() -> Result<String, Problem> {
    let (person, otto) = (open("refused", TWO_EYES)?, approver("otto")?);
    closed((|| {
        let name = asked(&person, "1 + 1")?;
        allowed(&request(&otto, "deny", &name, &["--yes", "--comment", "not today"])?)?;
        forged(&name, &["--as=ada"], |_| {})?;
        let no = wait_until(Duration::from_secs(10), || denied(&run(&person, &name)?, "denied it"));
        no?;
        wait_until(Duration::from_secs(10), || phase(&name, "Denied"))?;
        kubectl(&["-n", NAMESPACE, "delete", "accessapprovals", "--all"])?;
        forged(&name, &["--as=ada"], |_| {})?;
        let revived = run(&person, &name)?;
        denied(&revived, "otto denied it")?;
        Ok(sentence(&revived))
    })())
}

fn phase(name: &str, wanted: &str) -> Result<(), Problem> {
    let found = get(&["-n", NAMESPACE, "accessrequest", name])?;
    let phase = &found["status"]["phase"];
    ensure(phase == wanted, || format!("the phase is {phase}"))
}

const GLASS: &str = "approvals: {count: 1}, \
                     breakGlass: {allowed: true, maxSeconds: 600, maxUnreviewed: 1}";

/// In an emergency it runs without approvals, and the next one only after somebody looked.
pub fn break_glass() -> Result<String, Problem> {
    let person = open("firefighter", GLASS)?;
    closed(broken(&person))
}

fn broken(person: &Person) -> Result<String, Problem> {
    let glass = ["--break-glass", "--reason", "outage", "--ticket", "INC-7", "40 + 2"];
    let bare = person.prepl(&asking(&["--break-glass", "40 + 2"]))?;
    ensure(bare.code == 2, || format!("without a reason: exit {}: {}", bare.code, bare.err))?;
    let unarmed = person.prepl(&asking(&glass))?;
    denied(&unarmed, "workloads/breakglass")?;
    reviewed(person)?;
    person.may(NAMESPACE, "prepl-break-glass")?;
    // A role is known to the API server's authorizer within moments.
    wait_until(KNOWN_WITHIN, || {
        let broken = person.prepl(&asking(&glass))?;
        if broken.code != 0 {
            reviewed(person)?;
        }
        allowed(&broken)?;
        ensure(broken.err.contains("BREAK-GLASS"), || format!("it is not loud: {}", broken.err))
    })?;
    let name = owing()?;
    let events =
        kubectl(&["-n", NAMESPACE, "get", "events", "--field-selector=reason=BreakGlass"])?;
    ensure(events.contains(&name), || format!("no event: {events}"))?;
    let again = person.prepl(&asking(&glass))?;
    denied(&again, "wait for their review")?;
    // An administrator of the namespace does not shake it off.
    person.may(NAMESPACE, "cluster-admin")?;
    let off = r#"{"metadata":{"finalizers":[]}}"#;
    let patch = ["-n", NAMESPACE, "patch", "accessrequest", &name, "--type=merge", "-p", off];
    let tried = person.kubectl(&patch, "")?;
    let refused = tried.code != 0 && tried.err.contains("prepl request review");
    ensure(refused, || format!("the debt was shaken off: {}{}", tried.out, tried.err))?;
    kubectl(&["-n", NAMESPACE, "delete", "accessrequest", &name, "--wait=false"])?;
    denied(&person.prepl(&asking(&glass))?, "wait for their review")?;
    let own = request(person, "review", &name, &["--yes"])?;
    denied(&own, "you asked for it yourself")?;
    reviewed(person)?;
    allowed(&person.prepl(&asking(&glass))?)?;
    reviewed(person)?;
    Ok(sentence(&again))
}

/// The request that waits for its review.
fn owing() -> Result<String, Problem> {
    owed()?.pop().ok_or_else(|| "no review is owed".to_owned())
}

fn owed() -> Result<Vec<String>, Problem> {
    let all = get(&["-n", NAMESPACE, "accessrequests"])?;
    let all = all["items"].as_array().cloned().unwrap_or_default();
    let owes = |one: &Value| {
        let finalizers = one["metadata"]["finalizers"].as_array();
        finalizers.is_some_and(|all| all.iter().any(|one| one == "prepl.dev/review"))
    };
    let name = |one: &Value| one["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(all.iter().filter(|one| owes(one)).map(name).collect())
}

/// The administrator ends and reviews every use of break-glass.
fn reviewed(person: &Person) -> Result<(), Problem> {
    for name in owed()? {
        kubectl(&["-n", NAMESPACE, "delete", "accessrequest", &name, "--wait=false"])?;
        allowed(&administrator(&["request", "review", &name, "-n", NAMESPACE, "--yes"])?)?;
    }
    wait_until(Duration::from_secs(20), || {
        let left = owed()?;
        ensure(left.is_empty(), || format!("{} still owes {left:?}", person.name))
    })
    .map(drop)
}
