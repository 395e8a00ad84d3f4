//! Writes the chart's copies of the definitions: `cargo run -p prepl-crd`.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/prepl/definitions");
    fs::create_dir_all(&folder)?;
    for (name, content) in prepl_crd::generate::files()? {
        fs::write(folder.join(name), content)?;
    }
    Ok(())
}
