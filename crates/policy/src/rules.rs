//! The rules of one policy, each judged by itself.
//!
//! Rules about expressions are guard rails, not a wall: they stop mistakes, and whoever wants to
//! get round them finds another spelling. What must not be done is kept from being done by roles,
//! by a runtime without the means, or by no REPL at all.

use std::collections::{BTreeMap, BTreeSet};

use prepl_core::{Limits, Reason, Replica};

use crate::expressions::{Expressions, Seen};
use crate::mode::Mode;
use crate::policy::{Approvals, By, Demand, Deny, MayBreak, Spec};
use crate::request::{Known, Request};
use crate::ruling::{Amount, Owed, Ruling};

/// Longest expression that expression rules judge: a match takes the length of the text times the
/// size of the pattern.
pub(crate) const MAX_JUDGED_BYTES: usize = 64 << 10;
/// Most values of labels that a script sees.
const MAX_LABEL_VALUES: usize = 4000;

/// One policy's look at one request.
pub(crate) struct Case<'a, E> {
    pub request: &'a Request,
    pub known: &'a Known,
    /// The replicas that the policy selects: at least one.
    pub replicas: &'a [&'a Replica],
    pub expressions: &'a E,
}

/// What a rule is about, and what it says.
pub(crate) type Ruled = (String, Ruling);

impl<E: Expressions> Case<'_, E> {
    /// Judges every rule that the policy has, in the order of this list.
    pub(crate) fn rulings(&self, spec: &Spec) -> Vec<Ruled> {
        let mut rulings = Vec::new();
        let mut add = |about: &str, ruling: Option<Ruling>| {
            rulings.extend(ruling.map(|ruling| (about.to_owned(), ruling)));
        };
        add("mode", self.mode(spec));
        add("replicas", spec.replicas.map(|most| self.replicas(most.get())));
        add("time", self.time(spec));
        add("value bytes", self.bytes(spec.value_bytes, Limits::value_bytes));
        add("output bytes", self.bytes(spec.output_bytes, Limits::output_bytes));
        add("runs per minute", spec.runs_per_minute.and_then(|most| self.rate(most.get())));
        add("read-only", spec.read_only.then(|| self.read_only()));
        add("reason", self.demanded(&spec.reason, Text::Reason));
        add("ticket", self.demanded(&spec.ticket, Text::Ticket));
        add("approvals", spec.approvals.as_ref().and_then(|rule| self.approvals(rule)));
        add("break-glass", self.break_glass(spec.break_glass));
        if self.request.mode == Mode::Eval && !spec.deny.is_empty() {
            let labels = labels(self.replicas);
            let judged = (1..).zip(&spec.deny);
            let judged = judged
                .map(|(place, rule)| (format!("expression {place}"), self.deny(rule, &labels)));
            rulings.extend(judged);
        }
        rulings
    }

    /// Nothing of what is said about evaluations holds in a tunnel: so a policy that says such
    /// things denies tunnels, unless it names `attach` itself.
    fn mode(&self, spec: &Spec) -> Option<Ruling> {
        let asked = self.request.mode;
        match spec.mode {
            Some(most) if asked <= most => Some(Ruling::Pass),
            Some(most) => {
                Some(fail(format!("at most {most} is allowed here, and this is {asked}")))
            }
            None if asked == Mode::Attach && spec.is_about_evaluations() => Some(fail(
                "its limits and expression rules do not hold in a tunnel, so it allows none; \
                 evaluate instead, or ask for a policy with the mode attach",
            )),
            None => None,
        }
    }

    fn replicas(&self, most: u32) -> Ruling {
        let count = self.replicas.len();
        if count <= most as usize {
            return Ruling::Pass;
        }
        fail(format!(
            "at most {most} of its replicas in one run, and this is {count}; choose fewer, for \
             example with --pick {most}"
        ))
    }

    fn time(&self, spec: &Spec) -> Option<Ruling> {
        let (most, asked) = (spec.time?, self.request.limits.time());
        let lowered = asked > most;
        self.evaluates(match lowered {
            true => Ruling::Lowered(Amount::Time(asked), Amount::Time(most)),
            false => Ruling::Pass,
        })
    }

    fn bytes(&self, most: Option<u32>, asked: impl Fn(&Limits) -> u32) -> Option<Ruling> {
        let (most, asked) = (most?, asked(&self.request.limits));
        self.evaluates(match asked > most {
            true => Ruling::Lowered(Amount::Bytes(asked), Amount::Bytes(most)),
            false => Ruling::Pass,
        })
    }

    fn evaluates(&self, ruling: Ruling) -> Option<Ruling> {
        (self.request.mode == Mode::Eval).then_some(ruling)
    }

    fn rate(&self, most: u32) -> Option<Ruling> {
        self.evaluates(match self.known.earlier_runs < most {
            true => Ruling::Pass,
            false => fail(format!("at most {most} runs within a minute; wait for a minute")),
        })
    }

    fn read_only(&self) -> Ruling {
        match self.request.mode {
            Mode::Attach => fail("it allows only read-only evaluations, and a tunnel is none"),
            _ if self.request.read_only => Ruling::Pass,
            // Who asks only whether he may has not said how yet.
            _ if self.request.expression.is_none() => Ruling::Open,
            _ => fail("it allows only read-only evaluations; give --read-only"),
        }
    }

    fn demanded(&self, demand: &Demand, text: Text) -> Option<Ruling> {
        if !demand.required && demand.pattern.is_none() {
            return None;
        }
        let (what, flag) = text.words();
        let given = text.of(self.request);
        Some(match (given, &demand.pattern) {
            (None, _) if demand.required && self.request.mode == Mode::Attach => {
                fail(format!("it demands a {what}, and a tunnel names none; evaluate instead"))
            }
            (None, _) if demand.required => {
                fail(format!("it demands a {what}; give one with {flag}"))
            }
            (Some(given), Some(pattern)) if !pattern.matches(given) => fail(format!(
                "the {what} must match {}; give such a one with {flag}",
                pattern.as_str()
            )),
            _ => Ruling::Pass,
        })
    }

    fn approvals(&self, rule: &Approvals) -> Option<Ruling> {
        if !rule.modes.contains(&self.request.mode) {
            return None;
        }
        // Whether that is allowed is a rule of its own.
        if self.known.break_glass.is_some() {
            return Some(Ruling::Pass);
        }
        let given = &self.known.approvals;
        if let Some(name) = given.denied_by() {
            return Some(fail(format!("{name} denied it; ask for another run")));
        }
        let (count, uncounted) = given.within(rule.lasting, rule.from_service_accounts);
        Some(match rule.count.get().saturating_sub(count) {
            0 => Ruling::Pass,
            missing => Ruling::Owed(Owed { missing, uncounted }),
        })
    }

    fn break_glass(&self, may: Option<MayBreak>) -> Option<Ruling> {
        let claimed = self.known.break_glass?;
        let grounds = &self.request.grounds;
        Some(match may {
            None => fail("it has no break-glass; ask for access as on other days"),
            Some(may) if claimed.lasting > may.longest => fail(format!(
                "break-glass lasts {:?} at most; ask for an access that short",
                may.longest
            )),
            Some(may) if claimed.unreviewed >= may.max_unreviewed => fail(format!(
                "{} earlier uses of break-glass wait for their review; have them reviewed first",
                claimed.unreviewed
            )),
            Some(_) if grounds.reason().is_none() || grounds.ticket().is_none() => fail(
                "break-glass needs a reason and a ticket; give them with --reason and --ticket",
            ),
            Some(_) => Ruling::Pass,
        })
    }

    fn deny(&self, rule: &Deny, labels: &LabelValues<'_>) -> Ruling {
        let Some(expression) = self.request.expression.as_ref().map(|one| one.as_str()) else {
            return Ruling::Open;
        };
        if expression.len() > MAX_JUDGED_BYTES {
            return fail(format!(
                "an expression of more than {MAX_JUDGED_BYTES} bytes is not judged; make it shorter"
            ));
        }
        let denied = match &rule.by {
            By::Pattern(pattern) => Ok(pattern.matches(expression)),
            By::Script(script) => self.script(script, expression, labels),
        };
        match denied {
            Ok(false) => Ruling::Pass,
            Ok(true) => Ruling::Fail(rule.message.clone().unwrap_or_else(|| {
                Reason::new("the expression is not allowed here; write another one")
            })),
            Err(why) => Ruling::Fail(why),
        }
    }

    fn script(
        &self,
        script: &str,
        expression: &str,
        labels: &LabelValues<'_>,
    ) -> Result<bool, Reason> {
        if labels.values().map(BTreeSet::len).sum::<usize>() > MAX_LABEL_VALUES {
            return Err(Reason::new(
                "the replicas have too many labels for its script; choose fewer replicas",
            ));
        }
        let seen = Seen { expression, mode: self.request.mode, user: &self.known.user, labels };
        self.expressions.denies(script, &seen)
    }
}

impl Spec {
    fn is_about_evaluations(&self) -> bool {
        let limits = [self.value_bytes, self.output_bytes].iter().any(Option::is_some);
        let rates = self.time.is_some() || self.runs_per_minute.is_some();
        limits || rates || !self.deny.is_empty() || !self.redaction.is_empty()
    }
}

/// A text that a policy may demand.
#[derive(Clone, Copy)]
enum Text {
    Reason,
    Ticket,
}

impl Text {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Text::Reason => ("reason", "--reason TEXT"),
            Text::Ticket => ("ticket", "--ticket ID"),
        }
    }

    fn of(self, request: &Request) -> Option<&str> {
        match self {
            Text::Reason => request.grounds.reason(),
            Text::Ticket => request.grounds.ticket(),
        }
    }
}

type LabelValues<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Of each label all values: a rule about one replica is a rule about the run.
fn labels<'a>(replicas: &[&'a Replica]) -> LabelValues<'a> {
    let mut labels = LabelValues::new();
    for (key, value) in replicas.iter().flat_map(|replica| replica.labels.iter()) {
        labels.entry(key).or_default().insert(value);
    }
    labels
}

fn fail(sentence: impl AsRef<str>) -> Ruling {
    Ruling::Fail(Reason::new(sentence))
}
