//! `prepl port-forward`: an ordinary client speaks to one replica.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::cluster::{Problem, ensure, get, kubectl};
use crate::person::Person;
use crate::shop::{self, NAMESPACE};

pub fn an_ordinary_client() -> Result<String, Problem> {
    shop::open()?;
    let pods = shop::pods(NAMESPACE, "api")?;
    let pod = format!("pod/{}", pods[0]["metadata"]["name"].as_str().unwrap_or_default());
    let forward = ["port-forward", "-n", NAMESPACE, &pod];
    let evaluator = Person::evaluator("curious", NAMESPACE)?.prepl(&forward)?;
    let denied = evaluator.code == 4 && evaluator.err.contains("workloads/attach");
    ensure(denied, || format!("exit {}: {}{}", evaluator.code, evaluator.out, evaluator.err))?;
    let admin = Person::new("attached")?;
    admin.may(NAMESPACE, "prepl-admin")?;
    let mut child = admin.start(&forward)?;
    let spoken = first_line(&mut child).and_then(|address| {
        let value = speak(&address)?;
        revoked(&admin, &address)?;
        Ok(value)
    });
    let _ = child.kill();
    let _ = child.wait();
    Ok(format!("nREPL said {} through {pod}, until the access was deleted", spoken?))
}

/// The local address that the program serves on.
fn first_line(child: &mut std::process::Child) -> Result<String, Problem> {
    let mut line = String::new();
    let out = child.stdout.as_mut().ok_or("no standard output")?;
    BufReader::new(out).read_line(&mut line).map_err(|error| error.to_string())?;
    let address = line.split_whitespace().nth(2).unwrap_or_default();
    ensure(address.starts_with("127.0.0.1:"), || format!("it said {line:?}"))?;
    Ok(address.to_owned())
}

/// An nREPL client of a few lines: one evaluation.
pub fn speak(address: &str) -> Result<String, Problem> {
    let wrong = |error: std::io::Error| error.to_string();
    let mut client = TcpStream::connect(address).map_err(wrong)?;
    client.set_read_timeout(Some(Duration::from_secs(20))).map_err(wrong)?;
    client.write_all(b"d4:code8:(+ 40 2)2:id1:12:op4:evale").map_err(wrong)?;
    let mut told = Vec::new();
    let mut part = [0; 4096];
    while !contains(&told, b"5:value2:42") {
        let read = client.read(&mut part).map_err(wrong)?;
        ensure(read > 0, || format!("it ended after {}", String::from_utf8_lossy(&told)))?;
        told.extend_from_slice(&part[..read]);
    }
    Ok("42".to_owned())
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted)
}

/// An open tunnel ends when its access is deleted.
fn revoked(admin: &Person, address: &str) -> Result<(), Problem> {
    let wrong = |error: std::io::Error| error.to_string();
    let mut client = TcpStream::connect(address).map_err(wrong)?;
    client.set_read_timeout(Some(Duration::from_secs(5))).map_err(wrong)?;
    delete_accesses(admin)?;
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(format!("the tunnel stands 5 s after its access: {error}")),
    }
}

/// Deletes the access requests of a person.
pub fn delete_accesses(person: &Person) -> Result<(), Problem> {
    let requests = get(&["accessrequests", "-n", NAMESPACE])?;
    let own = requests["items"].as_array().into_iter().flatten().filter(|one| {
        let user = one["spec"]["user"]["username"].as_str().unwrap_or_default();
        user.ends_with(&format!(":{}", person.name))
    });
    for request in own {
        let name = request["metadata"]["name"].as_str().unwrap_or_default();
        kubectl(&["-n", NAMESPACE, "delete", "accessrequest", name])?;
    }
    Ok(())
}
