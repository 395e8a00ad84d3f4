//! Who the user is to the API server, and what he may do.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use prepl_crd::{Mode, UserInfo, right};

use crate::cluster::api_error::refused;
use crate::cluster::context::Cluster;
use crate::problem::Problem;

/// Asks the API server who the user is.
pub async fn who(cluster: &Cluster) -> Result<UserInfo, Problem> {
    let reviews: Api<SelfSubjectReview> = Api::all(cluster.client.clone());
    let told = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await;
    let told = told.map_err(|error| refused("learn who you are", &error))?;
    Ok(told.status.and_then(|status| status.user_info).unwrap_or_default().into())
}

/// Whether the user may, on one workload or on all of the namespace.
pub async fn may(cluster: &Cluster, mode: Mode, workload: Option<&str>) -> Result<bool, Problem> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let attributes = right::attributes(mode, &cluster.namespace, workload);
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..<_>::default() };
    let question = SelfSubjectAccessReview { spec, ..<_>::default() };
    let told = reviews.create(&PostParams::default(), &question).await;
    let told = told.map_err(|error| refused("learn what you may do", &error))?;
    Ok(told.status.is_some_and(|status| status.allowed))
}
