//! The built binary: files onto three real JVMs, two by nREPL and one by a plain socket REPL.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::World;
use prepl_tests::jvm::Jvm;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// For all tests; they end with this process, as their standard inputs do.
static JVMS: LazyLock<Option<[Jvm; 3]>> = LazyLock::new(|| {
    let start = |protocol| Jvm::start(&[protocol, "0"]);
    Some([start("--nrepl")?, start("--nrepl")?, start("--socket")?])
});

/// Sidecars for the JVMs, and a folder with sources.
struct Fleet {
    _runtime: Runtime,
    _world: World,
    fleet: PathBuf,
    sources: TempDir,
}

impl Fleet {
    /// `None` where there is no Java.
    fn open(files: &[(&str, &str)]) -> Option<Fleet> {
        let [one, two, three] = JVMS.as_ref()?;
        Some(Fleet::of(
            &[
                Endpoint::Nrepl(one.addresses("nrepl")[0]),
                Endpoint::Nrepl(two.addresses("nrepl")[0]),
                Endpoint::Clojure(three.addresses("socket")[0]),
            ],
            files,
        ))
    }

    fn of(endpoints: &[Endpoint], files: &[(&str, &str)]) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(async {
            let mut world = World::new();
            for endpoint in endpoints {
                world.add(*endpoint).await;
            }
            world
        });
        let fleet = world.write_fleet(Role::Evaluator);
        let sources = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = sources.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Fleet { _runtime: runtime, _world: world, fleet, sources }
    }

    fn run(&self, args: &[&str]) -> Output {
        prepl(self.sources.path()).env("PREPL_FLEET", &self.fleet).args(args).output().unwrap()
    }

    /// Loads something on all replicas.
    fn load(&self, args: &[&str], code: i32) -> (String, String) {
        let output = self.run(&[&["load"], args, &["-A"]].concat());
        let told = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{} {}", told.0, told.1);
        told
    }

    /// What each replica says to an expression.
    fn each(&self, expression: &str) -> Vec<String> {
        let output = self.run(&["exec", "-A", "-q", "-o", "raw", "--exit-zero", expression]);
        text(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// What replicas have written down under a name: see [`noting`].
    fn noted(&self, name: &str) -> Vec<String> {
        self.each(&format!("(System/getProperty \"{name}\")"))
    }
}

fn prepl(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A form that adds a word to what its process has written down under a name.
fn noting(name: &str, word: &str) -> String {
    format!("(System/setProperty \"{name}\" (str (System/getProperty \"{name}\") \"{word} \"))")
}

#[test]
fn files_are_loaded_in_the_order_in_which_they_need_each_other() {
    let note = |word| noting("load.order", word);
    let web = format!(
        "(ns ord.web (:require [ord.db :as db]))\n{}\n(defn boom []\n  (db/query 1))",
        note("web")
    );
    let db =
        format!("(ns ord.db (:require ord.util))\n{}\n(defn query [x]\n  (/ x 0))", note("db"));
    let util = format!("(ns ord.util)\n{}", note("util"));
    let files = [
        ("src/ord/db.clj", &*db),
        ("src/ord/util.clj", &util),
        ("src/ord/web.clj", &web),
        ("src/data_readers.clj", "{a/b c/d}"),
    ];
    let Some(fleet) = Fleet::open(&files) else { return };
    let (answers, told) = fleet.load(&["src"], 0);
    assert_eq!(fleet.noted("load.order"), ["\"util db web \""; 3]);
    assert_eq!(answers.matches("● 3/3 same").count(), 3, "{answers}");
    assert!(told.contains("ord/util.clj  1 of 3\n"), "{told}");
    let digest =
        told.lines().last().unwrap().strip_prefix("loaded  3 files on 3 replicas   digest ");
    let digest = digest.unwrap_or_else(|| panic!("{told}"));
    let wide = text(&fleet.run(&["targets", "-A", "-o", "wide"]).stdout);
    assert_eq!(wide.matches(&format!(" 3 files {digest} ")).count(), 3, "{wide}");
    let listed = fleet.run(&["targets", "-A", "-o", "json"]).stdout;
    let listed: Json = serde_json::from_slice(&listed).unwrap();
    let files: Vec<_> = (0..3).map(|at| &listed["targets"][2]["loaded"][at]["file"]).collect();
    assert_eq!(files, ["ord/util.clj", "ord/db.clj", "ord/web.clj"]);
    let thrown = fleet.run(&["exec", "-A", "-o", "json", "(ord.web/boom)"]).stdout;
    let thrown: Json = serde_json::from_slice(&thrown).unwrap();
    for result in thrown["results"].as_array().unwrap() {
        let trace = result["raised"][0]["trace"].to_string();
        assert!(trace.contains("(db.clj:4)") && trace.contains("(web.clj:4)"), "{trace}");
    }
}

#[test]
fn where_one_file_cannot_be_read_nothing_is_evaluated_anywhere() {
    let good = noting("load.flaw", "evaluated");
    let files = [
        ("src/a.clj", &*good),
        // What is seen here already is refused before.
        ("src/b.clj", "(ns b)\n\n(def m {:a})\n"),
        ("open/c.clj", "(ns c)\n(defn f ["),
    ];
    let Some(fleet) = Fleet::open(&files) else { return };
    let (answers, told) = fleet.load(&["src"], 2);
    let flaw = "src/b.clj:3: Map literal must contain an even number of forms";
    assert!(answers.contains(flaw) && answers.contains("✗ raised  3 replicas"), "{answers}");
    assert!(told.ends_with("not read by all replicas, so nothing was loaded on any\n"), "{told}");
    assert_eq!(fleet.noted("load.flaw"), ["nil"; 3]);
    let (document, _) = fleet.load(&["src", "-o", "json"], 2);
    let document: Json = serde_json::from_str(&document).unwrap();
    assert_eq!(document["unread"]["summary"]["exit_code"], 2);
    let (answers, told) = fleet.load(&["open"], 2);
    assert!(
        answers.is_empty() && told.contains("open/c.clj: the expression ends inside"),
        "{told}"
    );
    assert_eq!(fleet.noted("load.flaw"), ["nil"; 3]);
}

#[test]
fn reading_evaluates_nothing_and_knows_no_alias() {
    let text = "(ns readable (:require [not.there :as x]))\n\
                (def y {::x/a `x/b, :t #not/known [1], :c #?(:clj 1 :cljs #js {})})\n\
                (System/setProperty \"load.read\" \"evaluated\")";
    let Some(fleet) = Fleet::open(&[("readable.cljc", text), ("eval.clj", "#=(+ 1 2)")]) else {
        return;
    };
    let (answers, told) = fleet.load(&["readable.cljc", "--dry-run", "compile"], 0);
    assert_eq!(answers, "");
    assert!(told.ends_with("1 file read on 3 replicas; nothing was evaluated\n"), "{told}");
    let (answers, _) = fleet.load(&["eval.clj", "--dry-run", "compile"], 2);
    assert!(answers.contains("eval.clj:1: EvalReader not allowed"), "{answers}");
    let (plan, told) = fleet.load(&["readable.cljc", "--dry-run", "plan"], 0);
    assert!(
        plan.contains("verdict") && told.contains("in this order: readable.cljc"),
        "{plan}{told}"
    );
    assert_eq!(fleet.noted("load.read"), ["nil"; 3]);
}

#[test]
fn a_load_stops_at_the_file_that_is_not_ok_everywhere() {
    let note = |word| noting("load.stop", word);
    let bad = format!(
        "{}\n(when (System/getProperty \"load.stop.here\")\n  (throw (ex-info \"no\" {{}})))",
        note("b")
    );
    let (first, last) = (note("a"), note("c"));
    let files = [("a.clj", &*first), ("b.clj", &bad), ("c.clj", &last)];
    let Some(fleet) = Fleet::open(&files) else { return };
    let prepare = ["exec", "api-2", "-q", "(System/setProperty \"load.stop.here\" \"yes\")"];
    assert!(fleet.run(&prepare).status.success());
    let (answers, told) = fleet.load(&["."], 6);
    assert!(answers.contains("✗ raised  1 replica") && !answers.contains("c.clj"), "{answers}");
    let told: Vec<_> = told.lines().rev().take(3).collect();
    assert_eq!(told[2], "everywhere  a.clj");
    assert_eq!(told[1], "in part     b.clj: ok on api-1  api-3 · 1 raised");
    assert_eq!(told[0], "nowhere     c.clj");
    assert_eq!(fleet.noted("load.stop"), ["\"a b \""; 3]);
    let (document, _) = fleet.load(&[".", "-o", "json", "-q"], 6);
    let document: Json = serde_json::from_str(&document).unwrap();
    let states: Vec<_> = (0..3).map(|at| &document["files"][at]["state"]).collect();
    assert_eq!(states, ["everywhere", "in_part", "nowhere"]);
    assert_eq!(document["files"][1]["run"]["summary"]["exit_code"], 6);
    assert_eq!(document["files"][2]["run"], Json::Null);
}

#[test]
fn a_namespace_is_loaded_with_what_it_requires() {
    let note = |word| noting("load.deps", word);
    let core =
        format!("(ns deps.core (:require [deps.my-db :as db] [clojure.set]))\n{}", note("core"));
    let db = format!("(ns deps.my-db)\n{}", note("db"));
    let files = [("src/deps/core.clj", &*core), ("lib/deps/my_db.cljc", &db)];
    let Some(fleet) = Fleet::open(&files) else { return };
    let paths = ["--source-path", "src", "--source-path", "lib"];
    let (lines, _) =
        fleet.load(&[&["deps.core", "--with-deps", "-o", "jsonl"], &paths[..]].concat(), 0);
    let lines: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((of_kind("file"), of_kind("result"), of_kind("summary")), (2, 6, 2));
    assert_eq!(lines[0]["file"], "deps/my_db.cljc");
    assert_eq!(fleet.noted("load.deps"), ["\"db core \""; 3]);
}

#[test]
fn a_script_of_the_sidecars_own_engine_is_not_read_first() {
    let fleet =
        Fleet::of(&[Endpoint::Rhai; 2], &[("check.rhai", "let x = 6;\nx * 7"), ("a.clj", "(f)")]);
    let (answers, told) = fleet.load(&["check.rhai"], 0);
    assert!(answers.contains("● 2/2 same\n42"), "{answers}");
    assert!(told.contains("loaded  1 file on 2 replicas"), "{told}");
    let (_, told) = fleet.load(&["check.rhai", "--dry-run", "compile"], 2);
    assert!(told.contains("only Clojure can be read"), "{told}");
    // Nothing of Clojure reaches another language.
    let (_, told) = fleet.load(&["a.clj"], 2);
    assert!(told.ends_with("nothing was loaded on any\n"), "{told}");
}

#[test]
fn what_cannot_be_loaded_is_refused_before_anybody_is_asked() {
    let files = [
        ("circle/a.clj", "(ns a (:require b))"),
        ("circle/b.clj", "(ns b (:require c))"),
        ("circle/c.clj", "(ns c (:require a))"),
    ];
    let fleet = Fleet::of(&[Endpoint::Rhai], &files);
    for (args, words) in [
        (&["circle"][..], "namespaces require each other: a → b → c → a"),
        (&["no.such"], "no no/such.clj or .cljc in src"),
        (&["no/such.clj"], "cannot open no/such.clj"),
        (&["circle/a.clj", "--read-only"], "unexpected argument '--read-only'"),
        (&["circle/a.clj", "--async"], "unexpected argument '--async'"),
        (&["circle/a.clj", "--dry-run", "plan", "--break-glass"], "cannot be used with"),
    ] {
        let (answers, told) = fleet.load(args, 2);
        assert!(answers.is_empty() && told.contains(words), "{args:?}: {told}");
    }
}
