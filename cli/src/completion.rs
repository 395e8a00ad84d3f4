//! `prepl completion`: the script that makes a shell complete prepl's words.

use clap::{Args, Command, ValueEnum};

/// Print a completion script for a shell
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  prepl completion bash > ~/.local/share/bash-completion/completions/prepl
  prepl completion zsh > ~/.zfunc/_prepl
  prepl completion fish > ~/.config/fish/completions/prepl.fish")]
pub struct CompletionArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The script.
pub fn script(args: &CompletionArgs, mut command: Command) -> String {
    let mut script = Vec::new();
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    clap_complete::generate(shell, &mut command, "prepl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
