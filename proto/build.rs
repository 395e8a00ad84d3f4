//! Compiles the protos in Rust: no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=prepl");
    let descriptors = protox::compile(
        ["prepl/v1/sidecar.proto", "prepl/v1/gateway.proto", "prepl/v1/enrolment.proto"],
        ["."],
    )?;
    tonic_prost_build::configure().bytes(".prepl.v1.Output.data").compile_fds(descriptors)?;
    Ok(())
}
