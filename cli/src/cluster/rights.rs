//! Who the user is to the API server, and what he may do.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use prepl_crd::{GROUP, Mode, UserInfo};

use crate::cluster::api_error::refused;
use crate::cluster::context::Cluster;
use crate::problem::Problem;

/// Asks the API server who the user is.
pub async fn who(cluster: &Cluster) -> Result<UserInfo, Problem> {
    let reviews: Api<SelfSubjectReview> = Api::all(cluster.client.clone());
    let told = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await;
    let told = told.map_err(|error| refused("learn who you are", &error))?;
    let user = told.status.and_then(|status| status.user_info).unwrap_or_default();
    Ok(UserInfo {
        username: user.username.unwrap_or_default(),
        uid: user.uid.unwrap_or_default(),
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    })
}

/// Whether the user may, on one workload or on all of the namespace.
pub async fn may(cluster: &Cluster, mode: Mode, workload: Option<&str>) -> Result<bool, Problem> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let question = question(&cluster.namespace, mode, workload);
    let told = reviews.create(&PostParams::default(), &question).await;
    let told = told.map_err(|error| refused("learn what you may do", &error))?;
    Ok(told.status.is_some_and(|status| status.allowed))
}

fn question(namespace: &str, mode: Mode, workload: Option<&str>) -> SelfSubjectAccessReview {
    let attributes = ResourceAttributes {
        group: Some(GROUP.to_owned()),
        resource: Some("workloads".to_owned()),
        subresource: Some(mode.subresource().to_owned()),
        verb: Some("create".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: workload.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..<_>::default() };
    SelfSubjectAccessReview { spec, ..<_>::default() }
}

/// What to ask an administrator for.
pub fn missing_rule(namespace: &str, mode: Mode) -> String {
    let right = mode.subresource();
    format!(
        "ask for a Role in namespace {namespace} with apiGroups [\"{GROUP}\"], \
         resources [\"workloads/{right}\"], verbs [\"create\"]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_the_one_that_a_gateway_asks() {
        let asked = question("shop", Mode::Eval, Some("api")).spec.resource_attributes.unwrap();
        assert_eq!(asked.group.as_deref(), Some("prepl.dev"));
        assert_eq!(asked.resource.as_deref(), Some("workloads"));
        assert_eq!(asked.subresource.as_deref(), Some("eval"));
        assert_eq!(asked.verb.as_deref(), Some("create"));
        assert_eq!(asked.namespace.as_deref(), Some("shop"));
        assert_eq!(asked.name.as_deref(), Some("api"));
        assert_eq!(question("shop", Mode::Eval, None).spec.resource_attributes.unwrap().name, None);
    }

    #[test]
    fn the_missing_rule_is_named() {
        let words = missing_rule("shop", Mode::Inspect);
        assert!(words.contains("namespace shop") && words.contains("workloads/inspect"), "{words}");
    }
}
