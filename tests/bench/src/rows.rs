//! What is measured.

mod fanout;
mod footprint;
mod prompt;
mod repl;

use clap::ValueEnum;

use crate::args::{Cli, Row};
use crate::{Failure, table};

/// Measures the rows that were asked for.
pub fn run(cli: &Cli) -> Result<(), Failure> {
    let rows = if cli.rows.is_empty() { Row::value_variants() } else { &cli.rows[..] };
    // As `prepl` has: the client is what is measured.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build()?;
    table::head();
    for row in rows {
        // On a worker, as a gateway runs: the thread that blocks would be woken for each event.
        runtime.block_on(async { tokio::spawn(measure(*row, cli.pairs)).await? })?;
    }
    Ok(())
}

async fn measure(row: Row, pairs: usize) -> Result<(), Failure> {
    match row {
        Row::Warm => fanout::warm(pairs).await,
        Row::Cold => fanout::cold(pairs).await,
        Row::Processes => fanout::processes(pairs).await,
        Row::Hop => repl::hop(pairs).await,
        Row::Added => repl::added(pairs).await,
        Row::Stall => repl::stall().await,
        Row::Footprint => footprint::measure().await,
        Row::Prompt => prompt::answers(pairs),
        Row::Session => prompt::session(),
    }
}
