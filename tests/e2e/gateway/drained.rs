//! A gateway that is told to end.

use prepl_core::Class;
use prepl_tests::{App, Cluster, Running, in_time};
use tokio::net::TcpStream;

use super::{apps, evaluations, lasting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_told_to_end_takes_nobody_and_lets_runs_end() {
    let apps = apps(2).await;
    let mut cluster = Cluster::of_apps(&apps, 1).await;
    let mira = cluster.user("mira").await;
    let mut run = Running::begin_at(&mira, &cluster.world.selection(), &lasting("1")).await;
    run.until_printed(0..2).await;
    cluster.stop(0);
    let address = cluster.address(0);
    in_time(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    apps.iter().for_each(App::release);
    let asked = run.finish().await;
    assert_eq!(asked.classes(), [Class::Ok; 2], "{}", asked.reason(0));
    assert_eq!((evaluations(&apps), asked.exit()), (vec![1; 2], 0));
    assert_eq!((asked.values(0), &*asked.printed(1)), (vec!["1"], "begun\nended\n"));
    cluster.until_ended(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_runs_ends_though_users_stay_connected() {
    let mut cluster = Cluster::of_apps(&[], 1).await;
    let mira = cluster.user("mira").await;
    assert!(mira.list().await.unwrap().replicas.is_empty());
    cluster.stop(0);
    cluster.until_ended(0).await;
}
