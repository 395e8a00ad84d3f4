//! Approvals of one run by other people: whose count, and why another's does not.
//!
//! An approval is of one run alone: of its request, its expression, its replicas and its mode.
//! Nobody approves what he asked for himself, and what looks like one person counts as one. The
//! order in which approvals come changes nothing.

use std::sync::Arc;
use std::time::Duration;

use prepl_core::Reason;

use crate::mode::Mode;

/// Most reasons that are told of one rule.
const MAX_REASONS: usize = 8;
/// What the name of a service account begins with.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// Somebody, as whoever vouches for him names him.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// His name.
    pub name: Arc<str>,
    /// His UID; empty where he has none.
    pub uid: Arc<str>,
}

/// What an approval is of: one run, and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// UID of the request.
    pub request: Arc<str>,
    /// SHA-256 of the expression, in hexadecimal digits.
    pub expression: Arc<str>,
    /// Root of the hash tree over the replicas' UIDs, in hexadecimal digits.
    pub replicas: Arc<str>,
    /// What is to be done there.
    pub mode: Mode,
}

/// What somebody says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Approve,
    /// It must not be done; one is enough.
    Deny,
    /// It was done by break-glass, and he looked at it.
    Review,
}

/// One person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What it is of.
    pub subject: Subject,
    /// Whose it is.
    pub by: Person,
    /// What he says.
    pub decision: Decision,
    /// How long ago he said it.
    pub age: Duration,
}

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Uncounted {
    /// By whoever asked.
    #[error("{0} asked for it, and nobody approves his own request")]
    Own(Arc<str>),
    /// By whoever asked, under another name.
    #[error("{0} has the UID of whoever asked, so he is no other person")]
    OwnUid(Arc<str>),
    /// Of an earlier request of the name.
    #[error("{0} approved another request of that name")]
    OtherRequest(Arc<str>),
    /// Of another expression.
    #[error("{0} approved another expression")]
    OtherExpression(Arc<str>),
    /// Of other replicas.
    #[error("{0} approved other replicas")]
    OtherReplicas(Arc<str>),
    /// Of something else with them.
    #[error("{0} approved another mode")]
    OtherMode(Arc<str>),
    /// Too old for the rule, by so much.
    #[error("the approval of {0} was over {1:?} ago")]
    Expired(Arc<str>, Duration),
    /// By a program.
    #[error("{0} is a service account, and this policy counts people alone")]
    ServiceAccount(Arc<str>),
    /// By somebody who counts already.
    #[error("the approvals of {0} are of one person and count once")]
    OnePerson(Arc<str>),
}

/// The approvals of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals {
    denied_by: Option<Arc<str>>,
    /// Of each person all that he gave.
    people: Vec<Vec<Given>>,
    uncounted: Vec<Uncounted>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Given {
    by: Person,
    age: Duration,
}

/// Sorts out what was said to a run that `user` asks for.
#[must_use]
pub fn count(user: &Person, asked: &Subject, approvals: &[Approval]) -> Approvals {
    let mut counted = Approvals::default();
    let mut given = Vec::new();
    for one in approvals {
        match one.decision {
            Decision::Deny if one.subject.request == asked.request => {
                let earlier = counted.denied_by.iter().min().filter(|name| **name < one.by.name);
                counted.denied_by = Some(Arc::clone(earlier.unwrap_or(&one.by.name)));
            }
            Decision::Deny | Decision::Review => {}
            Decision::Approve => match one.is_of(user, asked) {
                Ok(()) => given.push(Given { by: one.by.clone(), age: one.age }),
                Err(why) => counted.uncounted.push(why),
            },
        }
    }
    counted.uncounted.sort();
    counted.uncounted.dedup();
    counted.people = people(given);
    counted
}

/// Who looked at a use of break-glass afterwards: somebody else, and no program.
#[must_use]
pub fn reviewer<'a>(
    user: &Person,
    request: &str,
    mut approvals: impl Iterator<Item = &'a Approval>,
) -> Option<&'a Person> {
    let review = approvals.find(|one| {
        let other = !one.by.is(user) && !one.by.is_service_account();
        one.decision == Decision::Review && *one.subject.request == *request && other
    });
    review.map(|review| &review.by)
}

/// Two who share a name or a UID are one, and so is who shares one with either of them.
fn people(mut given: Vec<Given>) -> Vec<Vec<Given>> {
    given.sort();
    let mut people: Vec<Vec<Given>> = Vec::new();
    for one in given {
        let is_his = |person: &Vec<Given>| person.iter().any(|given| given.by.is(&one.by));
        let (his, others): (Vec<_>, Vec<_>) = people.into_iter().partition(is_his);
        let person = his.into_iter().flatten().chain([one]).collect();
        people = others;
        people.push(person);
    }
    people
}

impl Person {
    /// Whether they share a name or a UID.
    #[must_use]
    pub fn is(&self, other: &Person) -> bool {
        self.name == other.name || self.has_uid_of(other)
    }

    fn has_uid_of(&self, other: &Person) -> bool {
        !self.uid.is_empty() && self.uid == other.uid
    }

    /// Whether it is a program of the cluster.
    #[must_use]
    pub fn is_service_account(&self) -> bool {
        self.name.starts_with(SERVICE_ACCOUNT)
    }
}

impl Approval {
    fn is_of(&self, user: &Person, asked: &Subject) -> Result<(), Uncounted> {
        let (by, of) = (&self.by, &self.subject);
        let refused = [
            (by.name == user.name, Uncounted::Own as fn(Arc<str>) -> Uncounted),
            (by.has_uid_of(user), Uncounted::OwnUid),
            (of.request != asked.request, Uncounted::OtherRequest),
            (of.expression != asked.expression, Uncounted::OtherExpression),
            (of.replicas != asked.replicas, Uncounted::OtherReplicas),
            (of.mode != asked.mode, Uncounted::OtherMode),
        ];
        let refused = refused.into_iter().find(|(refused, _)| *refused);
        refused.map_or(Ok(()), |(_, why)| Err(why(Arc::clone(&by.name))))
    }
}

impl Approvals {
    /// Who denied it, if somebody did.
    #[must_use]
    pub fn denied_by(&self) -> Option<&str> {
        self.denied_by.as_deref()
    }

    /// Who approved it, each person once; whether he counts is each policy's to say.
    pub fn given(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter_map(|person| person.first()).map(|given| &given.by)
    }

    /// How many people's approvals count where they last for `lasting`, and why others' do not.
    #[must_use]
    pub fn within(&self, lasting: Duration, service_accounts: bool) -> (u32, Vec<Reason>) {
        let mut count = 0;
        let mut uncounted = self.uncounted.clone();
        for person in &self.people {
            match counts(person, lasting, service_accounts) {
                Ok(()) => count += 1,
                Err(why) => uncounted.push(why),
            }
            uncounted.extend(several(person));
        }
        let reasons = uncounted.iter().take(MAX_REASONS).map(|why| Reason::new(why.to_string()));
        (count, reasons.collect())
    }
}

/// Whether one of a person's approvals is fresh and may count.
fn counts(person: &[Given], lasting: Duration, service_accounts: bool) -> Result<(), Uncounted> {
    let robot = person.iter().find(|one| one.by.is_service_account());
    if let Some(robot) = robot.filter(|_| !service_accounts) {
        return Err(Uncounted::ServiceAccount(Arc::clone(&robot.by.name)));
    }
    let newest = person.iter().min_by_key(|one| one.age);
    match newest.map(|newest| (newest.age.checked_sub(lasting), &newest.by.name)) {
        Some((Some(over), name)) => Err(Uncounted::Expired(Arc::clone(name), whole_seconds(over))),
        _ => Ok(()),
    }
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().max(1))
}

fn several(person: &[Given]) -> Option<Uncounted> {
    let mut names: Vec<&str> = person.iter().map(|one| &*one.by.name).collect();
    names.dedup();
    (person.len() > 1).then(|| Uncounted::OnePerson(names.join(" and ").into()))
}
