//! One session kept on all members under one name.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use prepl_core::{
    Answer, Class, Expression, Limits, Origin, Patience, Replica, Selection, SessionName,
};
use prepl_gateway::{Grounds, Plan};

use crate::ids;
use crate::members::Members;
use crate::problem::Problem;
use crate::reach::Started;

/// How everything of a session is evaluated.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bounds on each replica.
    pub limits: Limits,
    /// How long to wait.
    pub patience: Patience,
    /// Most replicas at work at the same time.
    pub width: NonZeroUsize,
    /// Only where something keeps it from writing.
    pub read_only: bool,
    /// Why.
    pub grounds: Grounds,
}

/// One text to evaluate.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The text.
    pub expression: Expression,
    /// Where it stands.
    pub origin: Origin,
    /// Namespace to evaluate in; without one, that of the session.
    pub namespace: Option<Arc<str>>,
    /// It may read input that is given to the run.
    pub interactive: bool,
}

/// A session with all members, as far as it is known here.
pub struct Talk {
    /// With whom.
    pub members: Arc<Members>,
    /// How.
    pub settings: Settings,
    name: SessionName,
    place: Place,
    /// Where each replica's last answer left it, by UID: who stands here has answered.
    met: HashMap<Arc<str>, Option<Arc<str>>>,
}

/// Where the session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not known yet, or the runtime has no namespaces: each replica is where it began.
    Unknown,
    /// In this namespace, everywhere.
    One(Arc<str>),
    /// In so many, each replica where it began.
    Several(usize),
}

/// What answers tell of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Replicas on which the session began anew: what was kept there is lost.
    pub lost: Vec<Replica>,
    /// Replicas that went to another namespace than most: the session does not follow them there.
    pub strayed: Vec<(Replica, Arc<str>)>,
}

impl Talk {
    /// A new session; nothing is sent.
    pub fn new(members: Arc<Members>, settings: Settings) -> Result<Talk, Problem> {
        let name = ids::session()?;
        Ok(Talk { members, settings, name, place: Place::Unknown, met: HashMap::new() })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The replica's namespace after its last answer.
    pub fn namespace_on(&self, replica: &Replica) -> Option<&Arc<str>> {
        self.met.get(&replica.id.uid)?.as_ref()
    }

    /// The plan of an evaluation in the kept session.
    pub fn plan(&self, ask: Ask) -> Result<Plan, Problem> {
        self.plan_in(Some(self.name.clone()), ask)
    }

    /// Starts a plan of this session.
    pub async fn start(&self, selection: &Selection, plan: Plan) -> Result<Started, Problem> {
        self.members.start(selection, plan, self.settings.grounds.clone()).await
    }

    /// Starts one in a session that is thrown away: `*1` and the like stay as they are.
    pub async fn aside(&self, selection: &Selection, ask: Ask) -> Result<Started, Problem> {
        self.start(selection, self.plan_in(None, ask)?).await
    }

    /// Learns from the answers of an evaluation in the kept session.
    pub fn learn(&mut self, selection: &Selection, answers: &[Answer]) -> Learned {
        let replicas = || selection.replicas().iter().zip(answers);
        // Where nobody has answered before, a session that begins is the first one.
        let is_lost = |(replica, answer): &(&Replica, &Answer)| {
            answer.done.session_began && self.met.contains_key(&replica.id.uid)
        };
        let lost = replicas().filter(is_lost).map(|(replica, _)| replica.clone()).collect();
        for (replica, answer) in replicas().filter(|(_, answer)| may_have_run(answer)) {
            let namespace = answer.done.namespace.clone();
            self.met.insert(Arc::clone(&replica.id.uid), namespace);
        }
        let told: Vec<_> = replicas()
            .filter_map(|(replica, answer)| Some((replica, answer.done.namespace.as_ref()?)))
            .collect();
        self.place = self.place.after(&told);
        let strayed = match &self.place {
            Place::One(here) => told.iter().filter(|(_, there)| *there != here).collect(),
            Place::Unknown | Place::Several(_) => Vec::new(),
        };
        let strayed =
            strayed.into_iter().map(|(replica, there)| ((*replica).clone(), Arc::clone(there)));
        Learned { lost, strayed: strayed.collect() }
    }

    /// Ends it on the replicas that keep it.
    pub async fn end(&self) {
        let kept = self.members.selection();
        let kept = kept.replicas().iter().filter(|replica| self.met.contains_key(&replica.id.uid));
        let kept = Selection::of(kept.cloned().collect());
        if !kept.is_empty() {
            self.members.end_session(&kept, &self.name).await;
        }
    }

    fn plan_in(&self, session: Option<SessionName>, ask: Ask) -> Result<Plan, Problem> {
        let Settings { limits, patience, width, read_only, .. } = self.settings;
        let here = match &self.place {
            Place::One(here) => Some(Arc::clone(here)),
            Place::Unknown | Place::Several(_) => None,
        };
        Ok(Plan {
            run: ids::run()?,
            request: ids::request()?,
            recall: false,
            interactive: ask.interactive,
            read_only,
            expression: ask.expression,
            origin: ask.origin,
            session,
            namespace: ask.namespace.or(here),
            limits,
            patience,
            width,
            barrier: false,
        })
    }
}

fn may_have_run(answer: &Answer) -> bool {
    matches!(answer.class(), Class::Ok | Class::Raised | Class::Unknown)
}

impl Place {
    /// Where the session is after replicas told where they are.
    ///
    /// Once it is in one namespace it stays in one: it is named with each evaluation, so that a
    /// replica that joins later is asked in the same.
    fn after(&self, told: &[(&Replica, &Arc<str>)]) -> Place {
        let mut namespaces: Vec<_> = told.iter().map(|(_, namespace)| *namespace).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        match (self, &namespaces[..]) {
            (here, []) => here.clone(),
            (_, [one]) => Place::One(Arc::clone(one)),
            (Place::One(here), _) => Place::One(Arc::clone(here)),
            (_, several) => Place::Several(several.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn after(place: &Place, told: &[&str]) -> Place {
        let replicas = example::api_fleet(told.len());
        let told: Vec<Arc<str>> = told.iter().map(|name| Arc::from(*name)).collect();
        place.after(&replicas.iter().zip(&told).collect::<Vec<_>>())
    }

    #[test]
    fn a_session_follows_where_all_go() {
        let user = after(&Place::Unknown, &["user", "user"]);
        assert_eq!(user, Place::One("user".into()));
        assert_eq!(after(&user, &["shop", "shop"]), Place::One("shop".into()));
        assert_eq!(after(&user, &[]), user);
    }

    #[test]
    fn a_session_stays_where_it_is_when_replicas_part() {
        let user = Place::One("user".into());
        assert_eq!(after(&user, &["x0", "x1"]), user);
        assert_eq!(after(&Place::Unknown, &["x0", "x1"]), Place::Several(2));
        assert_eq!(after(&Place::Several(2), &["user", "user"]), user);
    }
}
