//! Access requests of others and what is said to them, as the API server tells them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{Api, ListParams, ObjectMeta, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource};
use prepl_crd::{AccessApproval, AccessApprovalSpec, AccessRequest, selector};

use crate::cluster::api_error::{is_unknown, refused};
use crate::cluster::context::Cluster;
use crate::problem::Problem;

/// Most objects of a kind that are looked at.
const MAX_OBJECTS: usize = 5000;
/// Objects of one answer of the API server.
const PAGE: u32 = 200;

/// An access request, and what others said to it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// It.
    pub request: AccessRequest,
    /// What they said, the earliest first.
    pub said: Vec<AccessApproval>,
}

/// One request of the cluster's namespace by its name.
pub async fn one(cluster: &Cluster, name: &str) -> Result<Seen, Problem> {
    let requests: Api<AccessRequest> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let found = requests.get(name).await;
    let request = found.map_err(|error| unseen(&error, name, &cluster.namespace))?;
    let approvals: Api<AccessApproval> =
        Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let about = ListParams::default().fields(&selector::approvals_of(name));
    let said = pages(&approvals, about, "see what others said to it").await?;
    Ok(seen(vec![request], said).swap_remove(0))
}

/// All requests of the cluster's namespace, or of all namespaces.
pub async fn all(cluster: &Cluster, everywhere: bool) -> Result<Vec<Seen>, Problem> {
    let any = ListParams::default;
    let requests = scoped::<AccessRequest>(cluster, everywhere);
    let requests = pages(&requests, any(), "see access requests").await?;
    let said = scoped::<AccessApproval>(cluster, everywhere);
    let said = pages(&said, any(), "see what others said to them").await?;
    Ok(seen(requests, said))
}

/// Says something to a request; it goes when the request goes.
pub async fn say(
    cluster: &Cluster,
    request: &AccessRequest,
    spec: AccessApprovalSpec,
) -> Result<(), Problem> {
    let (name, uid) = (spec.request.name.clone(), spec.request.uid.clone());
    let owner = OwnerReference {
        api_version: AccessRequest::api_version(&()).into_owned(),
        kind: AccessRequest::kind(&()).into_owned(),
        name: name.clone(),
        uid,
        ..OwnerReference::default()
    };
    let metadata = ObjectMeta {
        generate_name: Some(format!("{name}-")),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    };
    let namespace = request.metadata.namespace.as_deref().unwrap_or_default();
    let approvals: Api<AccessApproval> = Api::namespaced(cluster.client.clone(), namespace);
    let made = approvals.create(&PostParams::default(), &AccessApproval { metadata, spec }).await;
    made.map(drop).map_err(|error| {
        let problem = refused("have your say", &error);
        match &error {
            kube::Error::Api(status) if status.code == 403 => problem
                .hint(format!("ask for the chart's role prepl-approver in namespace {namespace}")),
            _ => problem,
        }
    })
}

fn scoped<K>(cluster: &Cluster, everywhere: bool) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    let client: Client = cluster.client.clone();
    match everywhere {
        true => Api::all(client),
        false => Api::namespaced(client, &cluster.namespace),
    }
}

async fn pages<K>(api: &Api<K>, mut params: ListParams, doing: &str) -> Result<Vec<K>, Problem>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut all = Vec::new();
    params = params.limit(PAGE);
    loop {
        let page = api.list(&params).await.map_err(|error| refused(doing, &error))?;
        all.extend(page.items);
        let more = page.metadata.continue_.filter(|more| !more.is_empty());
        match more {
            Some(_) if all.len() >= MAX_OBJECTS => {
                let words = format!("cannot {doing}: there are more than {MAX_OBJECTS}");
                return Err(Problem::failed(words).hint("name one namespace with -n"));
            }
            Some(more) => params = params.continue_token(&more),
            None => return Ok(all),
        }
    }
}

/// Each request with what was said to it, and not to another of its name.
fn seen(requests: Vec<AccessRequest>, said: Vec<AccessApproval>) -> Vec<Seen> {
    let is_about = |request: &AccessRequest, one: &AccessApproval| {
        let about = &one.spec.request;
        one.metadata.namespace == request.metadata.namespace
            && Some(&about.name) == request.metadata.name.as_ref()
    };
    let of = |request: AccessRequest| {
        let mut said: Vec<_> = said.iter().filter(|one| is_about(&request, one)).cloned().collect();
        said.sort_by(|a, b| a.metadata.creation_timestamp.cmp(&b.metadata.creation_timestamp));
        Seen { request, said }
    };
    requests.into_iter().map(of).collect()
}

fn unseen(error: &kube::Error, name: &str, namespace: &str) -> Problem {
    match is_unknown(error) {
        true => Problem::nothing_matched(format!("no access request {name} in {namespace}"))
            .hint("prepl request list shows those that are there; -n names another namespace"),
        false => refused("see the access request", error),
    }
}
