//! What is recorded of a tunnel: the messages themselves, before the REPL has them.

use std::fs;
use std::path::{Path, PathBuf};

use prepl_core::{Digest, RequestId, Selection};
use prepl_gateway::local::Fleet;
use prepl_gateway::tunnel::Broke;
use prepl_gateway::{Gateway, Grounds, Recorder, Tunnel, TunnelRecord};
use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::attached::{Local, PATIENCE, Plain, attach};
use prepl_tests::jvm::Jvm;
use prepl_tests::{Cluster, World, in_time};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::full_disk::FullDisk;
use super::nrepl::{Client, message};
use crate::recorded::{of_kind, records};

/// The end of the line with the prompt, after which a socket REPL waits.
const PROMPT: &str = "=> ";

/// What was said through the tunnels of a log, in order, but for what only counts asides.
fn said(folder: &Path) -> Vec<Json> {
    let records = records(folder);
    let said = of_kind(&records, "attach_said").into_iter().cloned();
    said.filter(|said| said["said"]["form"] != "asides").collect()
}

/// An nREPL client looks round, evaluates, loads a file and interrupts.
async fn converse(tunnel: Tunnel) {
    let mut client = Client::of(Local::of(tunnel).await);
    let told = client.ask(&[("op", "describe")]).await;
    assert!(told[0].get("ops").is_some(), "{told:?}");
    let cloned = client.ask(&[("op", "clone")]).await;
    let session = cloned[0].get_str("new-session").unwrap().to_owned();
    let told = client.ask(&[("op", "eval"), ("code", "(+ 40 2)"), ("session", &session)]).await;
    assert!(told.iter().any(|one| one.get_str("value") == Some("42")), "{told:?}");
    let file = [("op", "load-file"), ("file", "(def x 7) x"), ("file-path", "src/x.clj")];
    let told = client.ask(&[file[0], file[1], file[2], ("session", &session)]).await;
    assert!(told.iter().any(|one| one.get_str("value") == Some("7")), "{told:?}");
    client.ask(&[("op", "interrupt"), ("session", &session)]).await;
    client.leave().await;
}

fn assert_conversed(said: &[Json], of: &str) {
    let [eval, load, interrupt] = said else { panic!("{of}: {said:#?}") };
    assert_eq!(eval["asides"], serde_json::json!({ "clone": 1, "describe": 1 }));
    let (eval, load) = (&eval["said"], &load["said"]);
    assert_eq!((&eval["op"], &eval["code"]["text"]), (&"eval".into(), &"(+ 40 2)".into()));
    assert_eq!((&load["op"], &load["code"]["text"]), (&"load-file".into(), &"(def x 7) x".into()));
    assert_eq!(load["file"], "src/x.clj");
    assert_eq!(load["session"], eval["session"]);
    assert_eq!(interrupt["said"]["op"], "interrupt");
    let places: Vec<_> = said.iter().map(|one| one["place"].as_u64().unwrap()).collect();
    assert_eq!(places, [0, 1, 2]);
    assert!(said.iter().all(|one| one["who"]["username"] == "mira"), "{said:#?}");
}

/// A client of a socket REPL types two lines, one of them in two parts.
async fn type_lines(tunnel: Tunnel) {
    let mut local = Local::of(tunnel).await;
    hear_until(&mut local, PROMPT).await;
    local.socket.write_all(b"(* 6 7)\n(prn").await.unwrap();
    let heard = hear_until(&mut local, PROMPT).await;
    assert!(heard.starts_with("42\n"), "{heard}");
    local.socket.write_all(b" :hi)\n").await.unwrap();
    let heard = hear_until(&mut local, PROMPT).await;
    assert!(heard.starts_with(":hi\n"), "{heard}");
    local.socket.shutdown().await.unwrap();
    in_time(local.tunnel).await.unwrap().unwrap();
}

async fn hear_until(local: &mut Local, end: &str) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        assert!(in_time(local.socket.read_buf(&mut heard)).await.unwrap() > 0, "it ended");
    }
    String::from_utf8(heard).unwrap()
}

fn assert_typed(said: &[Json]) {
    let texts: Vec<_> = said.iter().map(|one| one["said"]["text"]["text"].clone()).collect();
    assert_eq!(texts, ["(* 6 7)\n", "(prn :hi)\n"]);
}

/// Both REPLs of a real Clojure; `None` where there is no Java.
async fn clojure() -> Option<(Jvm, World)> {
    let jvm = Jvm::start(&["--nrepl", "0", "--socket", "0"])?;
    let mut world = World::new();
    world.add(Endpoint::Nrepl(jvm.addresses("nrepl")[0])).await;
    world.add(Endpoint::Clojure(jvm.addresses("socket")[0])).await;
    Some((jvm, world))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_repls_of_a_local_fleet_answer_as_ever_and_what_they_heard_is_recorded() {
    let Some((_jvm, world)) = clojure().await else { return };
    let gateway = world.gateway(Role::Admin);
    converse(in_time(attach(&gateway, &world.replicas()[0])).await.unwrap()).await;
    let nrepl = said(world.records().folder());
    assert_conversed(&nrepl, "a local fleet");
    type_lines(in_time(attach(&gateway, &world.replicas()[1])).await.unwrap()).await;
    assert_typed(&said(world.records().folder())[nrepl.len()..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_repls_behind_a_gateway_answer_as_ever_and_what_they_heard_is_recorded() {
    let Some((_jvm, world)) = clojure().await else { return };
    let cluster = Cluster::of(world, 1);
    let user = cluster.user("mira").await;
    let folder = cluster.world.path().join("records/gateway-1");
    converse(in_time(user.attach(RequestId::from_random([1; 16]), "uid-1")).await.unwrap()).await;
    let nrepl = said(&folder);
    assert_conversed(&nrepl, "a gateway");
    type_lines(in_time(user.attach(RequestId::from_random([2; 16]), "uid-2")).await.unwrap()).await;
    assert_typed(&said(&folder)[nrepl.len()..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_goes_through_byte_for_byte_and_is_recorded_whole() {
    let repl = Plain::echo().await;
    let mut world = World::new();
    world.add(Endpoint::Nrepl(repl.address)).await;
    let file: String = (0..40_000).map(|line| format!("(def v{line} \"☃\")\n")).collect();
    let sent = message(&[("op", "load-file"), ("file", &file), ("file-name", "v.clj")]);
    let mut local =
        Local::of(attach(&world.gateway(Role::Admin), &world.replicas()[0]).await.unwrap()).await;
    let (mut read, mut write) = local.socket.split();
    let say = async {
        for part in sent.chunks(7_777) {
            write.write_all(part).await?;
        }
        write.shutdown().await
    };
    let mut heard = Vec::new();
    in_time(async { tokio::try_join!(say, read.read_to_end(&mut heard)) }).await.unwrap();
    assert!(heard == *sent, "{} of {} bytes came back", heard.len(), sent.len());
    let said = said(world.records().folder());
    let [load] = &said[..] else { panic!("{} are recorded", said.len()) };
    let code = &load["said"]["code"];
    assert_eq!((&code["text"], &code["cut"]), (&file.as_str().into(), &false.into()));
    assert_eq!(code["sha256"], Digest::of(&file).to_string());
    assert_eq!(load["bytes"], sent.len());
}

/// A REPL that looks into the log whenever it hears something, and tells whether it stands there.
async fn suspicious(folder: PathBuf) -> (Plain, mpsc::Receiver<(String, bool)>) {
    let (tell, told) = mpsc::channel(8);
    let repl = Plain::start(move |mut peer| {
        let (tell, folder) = (tell.clone(), folder.clone());
        async move {
            let mut heard = vec![0; 4096];
            while let Ok(count @ 1..) = peer.read(&mut heard).await {
                let line = String::from_utf8_lossy(&heard[..count]).into_owned();
                let log: String = records(&folder).iter().map(Json::to_string).collect();
                let is_there = log.contains(line.trim_end());
                tell.send((line, is_there)).await.unwrap();
            }
        }
    })
    .await;
    (repl, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repl_hears_nothing_that_is_not_in_the_log_and_no_half_line() {
    let mut world = World::new();
    let (repl, mut told) = suspicious(world.records().folder().to_owned()).await;
    world.add(Endpoint::Clojure(repl.address)).await;
    let tunnel = in_time(attach(&world.gateway(Role::Admin), &world.replicas()[0])).await.unwrap();
    let mut local = Local::of(tunnel).await;
    for (said, heard) in [("(first)\n(sec", "(first)\n"), ("ond)\n", "(second)\n")] {
        local.socket.write_all(said.as_bytes()).await.unwrap();
        assert_eq!(in_time(told.recv()).await.unwrap(), (heard.to_owned(), true));
    }
    local.socket.write_all(b"(last").await.unwrap();
    local.socket.shutdown().await.unwrap();
    assert_eq!(in_time(told.recv()).await.unwrap(), ("(last".to_owned(), true));
}

/// Opens a tunnel of a fleet's user to its first replica, recorded there.
async fn open(world: &World, role: Role, recorder: &Recorder) -> (Tunnel, TunnelRecord) {
    let user = Fleet::open(&world.write_fleet(role)).unwrap().user().unwrap();
    let selection = Selection::of(vec![world.replicas()[0].clone()]);
    let permit = user.permit_to_attach(&selection).unwrap();
    let (request, asker) = (RequestId::from_random([3; 16]), user.asker(Grounds::default()));
    let recorded = recorder.tunnel(permit, request, &asker).await.unwrap();
    in_time(Gateway::new(user.dialer()).attach(recorded, PATIENCE)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_redacts_goes_through_and_is_in_no_file() {
    let repl = Plain::echo().await;
    let world = super::world(&repl).await;
    let policies = world.path().join("policies");
    fs::create_dir_all(&policies).unwrap();
    let redaction = "[[redaction]]\npattern = \"[0-9]{16}\"\nreplace = \"<card>\"";
    let policy = format!("[ceilings]\nmode = \"attach\"\n{redaction}");
    fs::write(policies.join("cards.toml"), policy).unwrap();
    let (tunnel, _record) = open(&world, Role::Admin, world.records().recorder().await).await;
    let mut local = Local::of(tunnel).await;
    let line = b"(pay \"1234567812345678\")\n";
    local.socket.write_all(line).await.unwrap();
    let mut heard = vec![0; line.len()];
    in_time(local.socket.read_exact(&mut heard)).await.unwrap();
    assert_eq!(heard, line);
    let said = said(world.records().folder());
    assert_eq!(said[0]["said"]["text"]["text"], "(pay \"<card>\")\n");
    let all = records(world.records().folder());
    assert!(all.iter().all(|record| !record.to_string().contains("1234567812345678")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_cuts_the_tunnel_before_the_repl_hears_more() {
    let (tell, mut told) = mpsc::channel(1);
    let repl = Plain::start(move |mut peer| {
        let tell = tell.clone();
        async move {
            let mut heard = Vec::new();
            let read = peer.read_to_end(&mut heard).await;
            tell.send((heard, read.map_err(|error| error.kind()))).await.unwrap();
        }
    })
    .await;
    let world = super::world(&repl).await;
    let disk = FullDisk::in_folder(&world.path().join("small"));
    let (tunnel, record) = open(&world, Role::Admin, &Recorder::new(disk.log().await)).await;
    let mut local = Local::of(tunnel).await;
    disk.fill();
    local.socket.write_all(b"(drop-all!)\n").await.unwrap();
    let broke = in_time(local.tunnel).await.unwrap().unwrap_err();
    assert!(matches!(broke, Broke::Unrecorded(_)), "{broke}");
    assert!(broke.to_string().contains("disk of the audit log is full"), "{broke}");
    drop(record);
    let (heard, end) = in_time(told.recv()).await.unwrap();
    assert_eq!((heard, end), (Vec::new(), Err(std::io::ErrorKind::ConnectionReset)));
    let read = in_time(local.socket.read_u8()).await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}
