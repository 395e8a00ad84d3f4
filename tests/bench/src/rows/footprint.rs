//! Memory of a sidecar, and sizes of the binaries.

use std::path::Path;

use crate::Failure;
use crate::ask::{dialer, fan_out};
use crate::child::{Kind, Serving};
use crate::fleet::Fleet;
use crate::memory::Memory;
use crate::table;

/// Evaluations after which memory should not have grown.
const MANY: usize = 20_000;
const QUESTION: (&str, &str) = ("40+2", "42");
/// Prints 10 MB, and answers.
const LARGE: (&str, &str) =
    ("let line = \"\"; line.pad(9999, 'x'); for i in 0..1000 { print(line); } 42", "42");

/// One sidecar process through its life.
pub async fn measure() -> Result<(), Failure> {
    let fleet = Fleet::new(1)?;
    let sidecar = Serving::start(Kind::Sidecars, &fleet, 1, "rhai:")?;
    let (dialer, selection) = (dialer(&fleet), Fleet::selection(&sidecar.addresses));
    show("sidecar, idle: RSS / PSS / private", &sidecar, true)?;
    fan_out(&dialer, &selection, QUESTION, None).await?;
    show("after one evaluation", &sidecar, false)?;
    for _ in 0..MANY {
        fan_out(&dialer, &selection, QUESTION, None).await?;
    }
    show("after 20,000 evaluations", &sidecar, false)?;
    fan_out(&dialer, &selection, LARGE, None).await?;
    show("after 10 MB of output", &sidecar, false)?;
    for binary in ["prepl-sidecar", "prepl"] {
        size(binary);
    }
    Ok(())
}

fn show(name: &str, sidecar: &Serving, judged: bool) -> Result<(), Failure> {
    let memory = Memory::of(sidecar.pid())?;
    let verdict = match (judged, memory.resident <= 10 << 10) {
        (false, _) => "",
        (true, true) => "RSS <= 10 MB: kept",
        (true, false) => "RSS <= 10 MB: MISSED",
    };
    table::figure(name, &memory.in_words(), verdict);
    Ok(())
}

/// Binaries stand beside this one when they were built with the same profile.
fn size(binary: &str) {
    let name = format!("size of {binary}");
    let beside = std::env::current_exe().map(|own| own.with_file_name(binary));
    match beside.and_then(|path: std::path::PathBuf| std::fs::metadata::<&Path>(&path)) {
        Ok(file) => table::figure(&name, &format!("{:.1} MB", file.len() as f64 / 1e6), ""),
        Err(_) => table::left_out(&name, "build it with the same profile first"),
    }
}
