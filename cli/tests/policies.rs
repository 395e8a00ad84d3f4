//! The built binary over a local fleet with policies: what is denied, lowered and only shown.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use prepl_identity::Role;
use prepl_sidecar::endpoint::Endpoint;
use prepl_tests::hostile::{Conduct, Hostile};
use prepl_tests::{App, World};
use tokio::runtime::Runtime;

const POLICY: &str = r#"
[ceilings]
replicas = 1
eval_seconds = 1
value_bytes = 4

[reason]
required = true

[[expressions.deny]]
regex = "exit"
message = "restart the pod instead"

[[expressions.deny]]
rhai = 'user != "mira" || "api" in labels.app == false'
"#;

struct Fleet {
    _runtime: Runtime,
    _world: World,
    app: Option<App>,
    _repl: Option<Hostile>,
    folder: PathBuf,
}

impl Fleet {
    /// One replica that counts its evaluations.
    fn counting() -> Fleet {
        Fleet::of(|| async {
            let app = App::start().await;
            app.release();
            (app.address, Some(app), None)
        })
    }

    fn of<F: Future<Output = (std::net::SocketAddr, Option<App>, Option<Hostile>)>>(
        start: impl FnOnce() -> F,
    ) -> Fleet {
        let runtime = Runtime::new().unwrap();
        let (world, app, repl) = runtime.block_on(async {
            let (mut world, (address, app, repl)) = (World::new(), start().await);
            world.add(Endpoint::Nrepl(address)).await;
            (world, app, repl)
        });
        let folder = world.write_fleet(Role::Evaluator);
        Fleet { _runtime: runtime, _world: world, app, _repl: repl, folder }
    }

    fn held_to(self, policy: &str) -> Fleet {
        fs::create_dir_all(self.folder.join("policies")).unwrap();
        fs::write(self.folder.join("policies/rules.toml"), policy).unwrap();
        self
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prepl"));
        command.env_clear().env("PREPL_FLEET", &self.folder).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
        command.args(args).output().unwrap()
    }

    fn evaluations(&self) -> usize {
        self.app.as_ref().map_or(0, App::evaluations)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn told(output: &Output, code: i32) -> (String, String) {
    let (answers, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{answers}{errors}");
    (answers, errors)
}

#[test]
fn what_a_policy_denies_ends_with_4_and_the_rules_sentence() {
    let fleet = Fleet::counting().held_to(POLICY);
    let (_, errors) = told(&fleet.run(&["exec", "-A", "1"]), 4);
    let sentence = "error: denied by policies/rules.toml, reason: it demands a reason; give one with \
                    --reason TEXT\n";
    assert_eq!(errors, sentence);
    let exit = ["exec", "-A", "--reason", "because", "-o", "json", "(exit)"];
    let (answers, _) = told(&fleet.run(&exit), 4);
    let document: serde_json::Value = serde_json::from_str(&answers).unwrap();
    assert_eq!(document["error"]["exit_code"], 4);
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("expression 1: restart the pod instead"), "{message}");
    assert_eq!(fleet.evaluations(), 0, "something was sent");
    told(&fleet.run(&["exec", "-A", "--reason", "because", "1"]), 0);
    assert_eq!(fleet.evaluations(), 1);
}

#[test]
fn a_reason_that_cannot_be_one_is_wrong_use() {
    let fleet = Fleet::counting();
    let (_, errors) = told(&fleet.run(&["exec", "-A", "--ticket", "a b", "1"]), 2);
    assert!(errors.contains("a ticket is a name without spaces"), "{errors}");
    told(&fleet.run(&["exec", "-A", "--dry-run", "nothing", "1"]), 2);
    assert_eq!(fleet.evaluations(), 0);
}

#[test]
fn limits_are_lowered() {
    let start = || async {
        let repl = Hostile::start(Conduct::nrepl_value("123456789")).await;
        (repl.address, None, Some(repl))
    };
    let fleet = Fleet::of(start).held_to("[ceilings]\nvalue_bytes = 4\n");
    let (answers, _) = told(&fleet.run(&["exec", "-A", "-o", "json", "1"]), 0);
    let document: serde_json::Value = serde_json::from_str(&answers).unwrap();
    let result = &document["results"][0];
    assert_eq!((&result["text"], &result["truncated"]), (&"1234".into(), &true.into()));
}

#[test]
fn a_dry_run_shows_the_plan_and_runs_nothing() {
    let fleet = Fleet::counting().held_to(POLICY);
    let plan = |more: &[&str], code| {
        told(&fleet.run(&[&["exec", "-A", "--dry-run", "plan"], more, &["(+ 1 2)"]].concat()), code)
            .0
    };
    let allowed = plan(&["--reason", "because", "--fanout", "7"], 0);
    for line in [
        "replicas  1: shop/api-1\n",
        "\nwidth     7\n",
        "\ntime      1.0 s, lowered from 30.0 s\n",
        "\nvalue     4 B, lowered from 64.0 KiB\n",
        "\noutput    64.0 KiB\n",
        "\nverdict   allowed; nothing was sent to any replica\n",
        "policies/rules.toml  replicas      pass\n",
        "policies/rules.toml  time          lowered  lowered from 30s to 1s\n",
        "policies/rules.toml  expression 2  pass\n",
    ] {
        assert!(allowed.contains(line), "{line:?} is not in:\n{allowed}");
    }
    let denied = plan(&[], 4);
    assert!(denied.contains("\nverdict   denied by policies/rules.toml, reason: "), "{denied}");
    let data: serde_json::Value = serde_json::from_str(&plan(&["-o", "json"], 4)).unwrap();
    assert_eq!((&data["allowed"], &data["limits"]["time_ms"]), (&false.into(), &1000.into()));
    assert_eq!(fleet.evaluations(), 0, "it ran");
}

#[test]
fn can_i_lists_the_policies_rule_by_rule() {
    let fleet = Fleet::counting().held_to(&POLICY.replace("required = true", "pattern = 'x'"));
    let (answers, _) = told(&fleet.run(&["auth", "can-i", "eval", "deploy/api"]), 0);
    assert!(answers.starts_with("yes\n\nPOLICY"), "{answers}");
    for line in
        ["  reason        pass\n", "  expression 1  open     it depends on the expression\n"]
    {
        assert!(answers.contains(line), "{line:?} is not in:\n{answers}");
    }
    let (answers, errors) = told(&fleet.run(&["auth", "can-i", "attach", "deploy/api"]), 4);
    assert!(answers == "no\n" && errors.contains("--role admin"), "{answers}{errors}");
    let fleet = fleet.held_to(POLICY);
    let (answers, _) = told(&fleet.run(&["auth", "can-i", "eval", "deploy/api"]), 4);
    assert!(answers.starts_with("no\n") && answers.contains("it demands a reason"), "{answers}");
    assert_eq!(fleet.evaluations(), 0);
}

#[test]
fn a_policy_that_cannot_be_used_is_told_by_its_line() {
    let fleet = Fleet::counting().held_to("\n[ceilings]\nreplicas = 0\n");
    let (_, errors) = told(&fleet.run(&["exec", "-A", "1"]), 1);
    assert!(errors.contains("policies/rules.toml, line 3: ceilings.replicas: write"), "{errors}");
    assert_eq!(fleet.evaluations(), 0);
}
