//! A gateway's audit log, read through the gateway.

use std::fs;
use std::path::{Path, PathBuf};

use prepl_gateway::RemoteFailed;
use prepl_gateway::remote::{AuditFiles, AuditPart};
use prepl_tests::{Asked, Cluster, World, in_time, plan};

/// More than all windows and buffers on the way to a reader.
const LARGE: usize = 16 << 20;
/// As many as a gateway has places for.
const READERS: usize = 4;
const NAME: &str = "audit-00000000000000000000.jsonl";

/// The folder of the log of a cluster's first gateway.
fn folder(cluster: &Cluster) -> PathBuf {
    cluster.world.path().join("records/gateway-1")
}

/// A cluster whose gateway has a log that nobody reads at once.
async fn with_large_log() -> Cluster {
    let cluster = Cluster::of(World::of_rhai(1).await, 1);
    fs::create_dir_all(folder(&cluster)).unwrap();
    fs::write(folder(&cluster).join(NAME), vec![b'x'; LARGE]).unwrap();
    cluster
}

/// What was told: names and bytes.
async fn all(mut files: AuditFiles) -> Result<Vec<(String, Vec<u8>)>, RemoteFailed> {
    let mut told: Vec<(String, Vec<u8>)> = Vec::new();
    while let Some(part) = in_time(files.next()).await? {
        match part {
            AuditPart::File(name) => told.push((name, Vec::new())),
            AuditPart::Data(data) => told.last_mut().unwrap().1.extend(data),
        }
    }
    Ok(told)
}

fn stored(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|one| one == "jsonl"));
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    logs.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_told_as_it_is_stored() {
    let cluster = Cluster::of(World::of_rhai(2).await, 1);
    let mira = cluster.user("mira").await;
    let selection = cluster.world.selection();
    Asked::ask_at(&mira, &selection, &plan("6 * 7")).await;
    let told = all(mira.audit(None).await.unwrap()).await.unwrap();
    let stored = stored(&folder(&cluster));
    assert_eq!((told.len(), &told[0].0), (stored.len(), &stored[0].0));
    // What was appended meanwhile is left out.
    assert!(stored[0].1.starts_with(&told[0].1));
    let text = String::from_utf8(told.into_iter().flat_map(|(_, bytes)| bytes).collect()).unwrap();
    assert!(text.contains("6 * 7") && text.contains("\"username\":\"mira\""), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_right_is_told_nothing() {
    let cluster = with_large_log().await;
    let noel = cluster.user("noel").await;
    cluster.deny();
    let refused = noel.audit(None).await.err();
    assert!(matches!(refused, Some(RemoteFailed::Denied(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_ends_ends_the_reading() {
    let cluster = with_large_log().await;
    let files = cluster.user("mira").await.audit(None).await.unwrap();
    cluster.deny();
    let cut = all(files).await.err();
    assert!(matches!(cut, Some(RemoteFailed::Denied(_))), "{cut:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_dies_is_never_the_end_of_its_log() {
    let mut cluster = with_large_log().await;
    let files = cluster.user("mira").await.audit(None).await.unwrap();
    cluster.kill(0).await;
    let cut = all(files).await.err();
    assert!(matches!(cut, Some(RemoteFailed::Unreached(_))), "{cut:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_read_at_a_time_and_who_leaves_makes_room() {
    let cluster = with_large_log().await;
    let mira = cluster.user("mira").await;
    let mut reading = Vec::new();
    for _ in 0..READERS {
        reading.push(mira.audit(None).await.unwrap());
    }
    let refused = mira.audit(None).await.err();
    assert!(
        matches!(&refused, Some(RemoteFailed::Refused(why)) if why.contains("others read")),
        "{refused:?}"
    );
    reading.pop();
    in_time(async { while mira.audit(None).await.is_err() {} }).await;
}
