//! Compiles the protos in Rust: no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=prepl");
    let descriptors = protox::compile(
        ["prepl/v1/sidecar.proto", "prepl/v1/gateway.proto", "prepl/v1/enrolment.proto"],
        ["."],
    )?;
    let carried = [
        "Output.data",
        "InputRequest.data",
        "GiveInput.data",
        "TunnelUp",
        "TunnelDown",
        "AttachUp",
        "AttachDown",
    ];
    carried
        .iter()
        .fold(tonic_prost_build::configure(), |all, one| all.bytes(format!(".prepl.v1.{one}")))
        .compile_fds(descriptors)?;
    Ok(())
}
