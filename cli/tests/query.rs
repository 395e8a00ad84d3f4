//! The built binary over a service in Clojure with real databases behind it.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use prepl_identity::Role;
use prepl_sidecar::endpoint::{Endpoint, Repl};
use prepl_tests::World;
use prepl_tests::database::Database;
use prepl_tests::jvm::Jvm;
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

const FUNCTION: &str = "shop.db/read-only";

const TEMPLATES: &str = r#"
[sales]
language = "sql"
expression = "((requiring-resolve 'shop.db/read) {{query}} {{args}} {{rows}} {{bytes}})"
target = "deploy/api"
read-only = true

[write]
language = "sql"
expression = "((requiring-resolve 'shop.db/read) {{query}} {{args}} {{rows}} {{bytes}})"

[limits]
language = "sql"
expression = "[{:rows {{rows}} :bytes {{bytes}} :text {{query}}}]"
target = "deploy/api"

[form]
language = "datalog"
expression = "(let [query {{query}}] #{[(count query) (str (last query))]})"
target = "api-1"
"#;

/// For all tests; they end with this process, as their standard inputs do.
static SHOPS: LazyLock<Option<Shops>> = LazyLock::new(Shops::start);

/// A shop of two replicas, and one with another database and a row that differs.
struct Shops {
    _databases: [Database; 2],
    jvms: [Jvm; 2],
}

impl Shops {
    fn start() -> Option<Shops> {
        let databases = [Database::start()?, Database::start()?];
        let two = databases[0].shop(&["--nrepl", "0", "--socket", "0"])?;
        let shops =
            Shops { jvms: [two, databases[1].shop(&["--nrepl", "0"])?], _databases: databases };
        let fleet = Fleet::of(&shops);
        for (target, state) in [("api-1", "paid"), ("api-3", "open")] {
            fleet.writes(target, "create table sales (id bigint primary key, state text, total numeric(9, 2), at timestamptz)");
            fleet.writes(target, "create role reader login");
            fleet.writes(target, "grant select on sales to reader");
            let rows = format!(
                "insert into sales values (1, 'open', 5, '2026-01-02 03:04:05Z'), \
                 (2, '{state}', 7.50, null), (3, 'say \"a,b\"', -1, null)"
            );
            fleet.writes(target, &rows);
        }
        Some(shops)
    }
}

/// The shops' replicas, and a folder to ask them.
struct Fleet {
    _runtime: Runtime,
    _world: World,
    folder: PathBuf,
}

impl Fleet {
    /// `None` where there is no database or no Java.
    fn open() -> Option<Fleet> {
        Some(Fleet::of(SHOPS.as_ref()?))
    }

    fn of(shops: &Shops) -> Fleet {
        let [two, other] = &shops.jvms;
        let endpoints = [
            Endpoint::Nrepl(two.addresses("nrepl")[0]),
            Endpoint::Clojure(two.addresses("socket")[0]),
            Endpoint::Nrepl(other.addresses("nrepl")[0]),
        ];
        let function = || FUNCTION.parse().ok();
        let repls = endpoints.map(|endpoint| Repl { endpoint, read_only: function() });
        Fleet::with(&repls, TEMPLATES)
    }

    /// Two replicas of the sidecar's own engine, and these templates.
    fn of_engines(templates: &str) -> Fleet {
        Fleet::with(&[Endpoint::Rhai.into(), Endpoint::Rhai.into()], templates)
    }

    fn with(repls: &[Repl], templates: &str) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let mut world = World::new();
        for repl in repls {
            runtime.block_on(world.add(repl.clone()));
        }
        let folder = world.write_fleet(Role::Evaluator);
        fs::write(folder.join("queries.toml"), templates).unwrap();
        Fleet { _runtime: runtime, _world: world, folder }
    }

    fn query(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.folder).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
        command.args(["query", "--timeout", "100s"]).args(args).output().unwrap()
    }

    fn writes(&self, target: &str, statement: &str) {
        let output = self.query(&["write", target, statement]);
        assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    }

    /// The answers of a query that ends with 0.
    fn asked(&self, args: &[&str]) -> String {
        let output = self.query(args);
        assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
        out(&output)
    }

    fn document(&self, args: &[&str]) -> Json {
        serde_json::from_str(&self.asked(&[&["-o", "json"], args].concat())).unwrap()
    }

    fn count(&self) -> Json {
        self.document(&["sales", "select count(*) from sales"])["rows"].clone()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const ALL: &str = "select id, state, total from sales order by id";

#[test]
fn rows_that_all_have_stand_once_and_what_differs_names_its_replicas() {
    let Some(fleet) = Fleet::open() else { return };
    let output = fleet.query(&["sales", ALL]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let wanted = "\
REPLICA      id  state      total
all 3        1   open       5.00
api-1 api-2  2   paid       7.50
api-3        2   open       7.50
all 3        3   say \"a,b\"  -1.00
";
    assert_eq!(out(&output), wanted);
    assert!(err(&output).contains("\n3 ok, 2 answers "), "{}", err(&output));
    assert_eq!(fleet.asked(&["sales", "--each", ALL]).lines().count(), 10);
    let same = fleet.query(&["sales", "--expect-same", ALL]);
    assert_eq!(same.status.code(), Some(9));
    let same = fleet.query(&["sales", "--expect-same", "select id from sales order by random()"]);
    assert_eq!(same.status.code(), Some(0), "the order of rows does not count");
}

#[test]
fn programs_get_every_row_of_every_replica() {
    let Some(fleet) = Fleet::open() else { return };
    let query = "select id, state, total, at from sales where id <> ? order by id";
    let args = ["sales", query, "--arg-edn", "2"];
    let csv = fleet.asked(&[&["-o", "csv"], &args[..]].concat());
    let lines: Vec<_> = csv.split("\r\n").collect();
    assert_eq!(lines[0], "replica,id,state,total,at");
    assert_eq!(lines[1], "api-1,1,open,5.00,2026-01-02T03:04:05.000000000-00:00");
    assert_eq!(lines[6], "api-3,3,\"say \"\"a,b\"\"\",-1.00,");
    assert_eq!(lines.len(), 8);

    let document = fleet.document(&args);
    assert_eq!(document["columns"], json!(["id", "state", "total", "at"]));
    assert_eq!(document["rows"].as_array().unwrap().len(), 6);
    assert_eq!(document["rows"][5]["replica"], "api-3");
    assert_eq!(document["rows"][5]["values"]["at"], Json::Null);
    assert_eq!(document["replicas"][2]["rows"], 2);
    assert_eq!(document["summary"]["exit_code"], 0);

    let edn = fleet.asked(&[&["-o", "edn"], &args[..]].concat());
    let first = "[{:prepl/replica \"api-1\", :id 1, :state \"open\", :total 5.00M, \
                 :at #inst \"2026-01-02T03:04:05.000000000-00:00\"}\n";
    assert!(edn.starts_with(first), "{edn}");
    assert_eq!(edn.lines().count(), 6);
}

/// The query has no end, so that it answers only where the database itself is told the limit.
#[test]
fn the_limits_reach_the_database_and_what_is_cut_is_told() {
    let Some(fleet) = Fleet::open() else { return };
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n";
    let output = fleet.query(&["sales", "--limit-rows", "5", endless]);
    assert_eq!(out(&output).lines().last(), Some("all 3    5"), "{}", err(&output));
    let told = "there are more rows on all 3: --limit-rows 5 or --limit-bytes cut them";
    assert!(err(&output).contains(told), "{}", err(&output));

    let limits = ["limits", "--limit-rows", "5", "--limit-bytes", "1Ki", "{{rows}}"];
    let asked = &fleet.document(&limits)["rows"][0]["values"];
    assert_eq!(asked, &json!({ "rows": 6, "bytes": 896, "text": "{{rows}}" }));

    let wide = "select i, repeat('x', 100) from generate_series(1, 90) as i";
    let bytes = fleet.document(&["sales", "--limit-bytes", "1Ki", wide]);
    let (rows, cut) = (&bytes["replicas"][0]["rows"], &bytes["replicas"][0]["cut"]);
    assert_eq!((rows, cut), (&json!(8), &json!(true)));
}

#[test]
fn a_role_that_may_only_read_refuses_the_write_and_nothing_is_written() {
    let Some(fleet) = Fleet::open() else { return };
    let before = fleet.count();
    let writes = [
        "insert into sales values (9)",
        "with gone as (delete from sales returning id) select * from gone",
    ];
    for write in writes {
        let output = fleet.query(&["sales", "-o", "json", write]);
        assert_eq!(output.status.code(), Some(5), "{}", out(&output));
        let document: Json = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!((&document["columns"], &document["rows"]), (&json!([]), &json!([])));
        for replica in document["replicas"].as_array().unwrap() {
            let words = replica["raised"][0]["message"].as_str().unwrap();
            assert!(words.contains("permission denied for table sales"), "{replica}");
        }
    }
    let flag = fleet.query(&["write", "api-1", "--read-only", writes[0]]);
    assert_eq!(flag.status.code(), Some(5), "{}", out(&flag));
    assert!(out(&flag).contains("✗ raised  1 replica "), "{}", out(&flag));
    let csv = fleet.query(&["sales", "-o", "csv", writes[0]]);
    assert_eq!(out(&csv), "");
    assert!(err(&csv).contains("permission denied for table sales"), "{}", err(&csv));
    assert_eq!(fleet.count(), before);
    // The same statement of a template that may write writes: it was the role that refused.
    let written =
        fleet.document(&["write", "api-3", "update sales set total = total where id = 3"]);
    assert_eq!(written["rows"][0]["values"], json!({ "updated": 1 }));
}

#[test]
fn a_query_stays_a_query_whatever_it_says() {
    let Some(fleet) = Fleet::open() else { return };
    let breaks_out = "\") (System/setProperty \"injected\" \"yes\") (str \"";
    let output = fleet.query(&["sales", breaks_out]);
    assert_eq!(output.status.code(), Some(5), "{}", out(&output));
    assert!(out(&output).contains("PSQLException"), "{}", out(&output));
    let breaks_out = "x'; drop table sales; --";
    let by_argument = ["sales", "select id from sales where state = ?", "--arg", breaks_out];
    assert_eq!(fleet.document(&by_argument)["rows"], json!([]));
    let echoed = fleet.document(&["limits", "a\\\"b\n\u{1b}é{{query}}"]);
    assert_eq!(echoed["rows"][0]["values"]["text"], "a\\\"b\n\u{1b}é{{query}}");
    let property = "(System/setProperty \"injected\" \"yes\")";
    let form = fleet.document(&["form", &format!("[:find ?count ?last {property}]")]);
    assert_eq!(form["columns"], json!(["1", "2"]));
    assert_eq!(form["rows"][0]["values"], json!({ "1": 4, "2": property }));
    let heads = fleet.document(&["form", "[:find ?count ?last :where [?e :a ?b]]"]);
    assert_eq!(heads["columns"], json!(["?count", "?last"]));
    assert_eq!(is_injected(&fleet.folder), "nil");
}

fn is_injected(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
    command
        .env_clear()
        .env("PREPL_FLEET", folder)
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let exec = ["exec", "-q", "-o", "raw", "api-1", "(System/getProperty \"injected\")"];
    out(&command.args(exec).output().unwrap()).trim().to_owned()
}

const ENGINES: &str = r#"
[rows]
language = "sql"
expression = "[#{text: {{query}}, rows: {{rows}}}]"
target = "deploy/api"
read-only = true

[pointer]
language = "sql"
expression = "Fn({{query}})"
"#;

#[test]
fn the_engine_of_a_sidecar_can_be_asked_and_an_answer_that_is_no_table_ends_with_9() {
    let fleet = Fleet::of_engines(ENGINES);
    let wanted = "REPLICA  rows  text\nall 2    101   select 1\n";
    assert_eq!(fleet.asked(&["rows", "select 1"]), wanted);
    let output = fleet.query(&["pointer", "-A", "abs"]);
    assert_eq!(output.status.code(), Some(9), "{}{}", out(&output), err(&output));
    assert!(out(&output).contains("✗ no table  2 replicas\n   api-1  api-2\n"), "{}", out(&output));
    let output = fleet.query(&["rows", "-o", "csv", "--dry-run", "plan", "select 1"]);
    assert!(out(&output).contains("replicas  2: "), "{}", out(&output));
}

#[test]
fn a_file_that_is_named_wins_and_the_list_says_where_each_stands() {
    let fleet = Fleet::of_engines(ENGINES);
    let other = fleet.folder.join("other.toml");
    fs::write(&other, "[rows]\nlanguage = 'sql'\nexpression = '[[{{query}}]]'\n").unwrap();
    let named = ["--templates", other.to_str().unwrap()];
    let asked = fleet.document(&[&named[..], &["rows", "api-1", "select 1"]].concat());
    assert_eq!(asked["rows"], json!([{ "replica": "api-1", "values": { "1": "select 1" } }]));
    let list = fleet.document(&[&named[..], &["--list"]].concat());
    let files: Vec<_> =
        list["templates"].as_array().unwrap().iter().map(|one| &one["file"]).collect();
    assert!(files[0].as_str().unwrap().ends_with("queries.toml"), "{list}");
    assert!(files[1].as_str().unwrap().ends_with("other.toml"), "{list}");
}

#[test]
fn what_cannot_be_asked_ends_with_2_and_runs_nowhere() {
    let fleet = Fleet::of_engines(ENGINES);
    let told = |args: &[&str], code: i32| {
        let output = fleet.query(&[&["-o", "json"], args].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        let document: Json = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!(document["error"]["exit_code"], code);
        document["error"]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(told(&["orders", "select 1"], 2), "there is no template orders; nothing ran");
    assert_eq!(told(&["rows", "--arg", "1", "select 1"], 2), "template rows takes no arguments");
    assert_eq!(told(&["pointer", "select 1"], 2), "no replicas named; nothing ran");
    assert_eq!(told(&["rows", "deploy/other", "x"], 3), "no replica matched; nothing ran");
    assert_eq!(told(&["rows", " "], 2), "the query is empty; nothing ran");
    fs::write(fleet.folder.join("queries.toml"), ENGINES.replace("{{rows}}", "{{row}}")).unwrap();
    let broken = told(&["rows", "select 1"], 2);
    assert!(broken.contains("queries.toml, line 4: nothing fills {{row}}"), "{broken}");
    let many = fleet.query(&["rows", "--limit-rows", "10001", "select 1"]);
    assert_eq!(many.status.code(), Some(2));
}
