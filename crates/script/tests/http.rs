//! HTTP against real servers on loopback, the wicked ones too.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use common::{evaluate, message_of, once, run, session_within};
use prepl_script::{Engine, Fault, Limits, Session, Sight, Stop};

/// Serves one connection with `answer`, after the request was read.
fn serve(answer: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while request.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        answer(stream);
    });
    format!("http://127.0.0.1:{port}/x")
}

fn reply(bytes: &'static str) -> String {
    serve(move |mut stream| stream.write_all(bytes.as_bytes()).unwrap())
}

fn flood(head: &'static str, again: &'static str) -> String {
    serve(move |mut stream| {
        stream.write_all(head.as_bytes()).unwrap();
        while stream.write_all(again.as_bytes()).is_ok() {}
    })
}

fn body(url: &str) -> String {
    once(&format!("http_get({url:?}).body")).unwrap().text
}

fn refusal(url: &str) -> String {
    message_of(once(&format!("http_get({url:?})")))
}

#[test]
fn a_reply_with_a_length_is_read() {
    let url =
        reply("HTTP/1.1 200 OK\r\nX-Pod: a\r\nx-pod: b\r\nContent-Length: 5\r\n\r\nhello more");
    let seen = once(&format!("http_get({url:?})")).unwrap().text;
    assert_eq!(
        seen,
        r##"#{"body": "hello", "headers": #{"content-length": "5", "x-pod": "a, b"}, "status": 200}"##
    );
}

#[test]
fn a_reply_until_the_end_is_read() {
    assert_eq!(body(&reply("HTTP/1.0 200 OK\r\n\r\nhello")), "\"hello\"");
}

#[test]
fn a_reply_in_chunks_is_read() {
    let url = reply(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
    );
    assert_eq!(body(&url), "\"hello world\"");
}

#[test]
fn a_reply_byte_by_byte_after_an_announcement_is_read() {
    let url = serve(|mut stream| {
        let text = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        for byte in text.bytes() {
            stream.write_all(&[byte]).unwrap();
        }
    });
    assert_eq!(body(&url), "\"a\"");
}

#[test]
fn the_request_is_plain() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let lines: Vec<_> = lines.map(Result::unwrap).take_while(|l| !l.is_empty()).collect();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        lines
    });
    let text = format!("http_get(\"http://localhost:{port}/a?b=c\").status");
    assert_eq!(once(&text).unwrap().text, "204");
    let host = format!("Host: localhost:{port}");
    assert_eq!(heard.join().unwrap(), ["GET /a?b=c HTTP/1.1", &host, "Connection: close"]);
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let url =
        reply("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    let seen = once(&format!("let r = http_get({url:?}); [r.status, r.headers.location]")).unwrap();
    assert_eq!(seen.text, "[302, \"http://127.0.0.1:1/\"]");
}

#[test]
fn only_loopback_is_asked() {
    for url in ["http://10.0.0.1/", "https://127.0.0.1/", "http://example.org/", "http://[::2]/"] {
        assert!(refusal(url).contains("http_get asks"), "{url}");
    }
}

#[test]
fn a_closed_port_is_told() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(refusal(&format!("http://127.0.0.1:{port}/")).contains("refused"));
}

#[test]
fn endless_headers_and_bodies_are_refused() {
    let head = "HTTP/1.1 200 OK\r\n";
    assert!(refusal(&flood(head, "x-more: yes\r\n")).contains("HTTP"));
    assert!(refusal(&flood("HTTP/1.1 200 OK\r\nX: ", "yyyyyyyyyy")).contains("HTTP"));
    assert!(refusal(&flood("HTTP/1.1 200 OK\r\n\r\n", "more and more")).contains("1 MiB"));
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(refusal(&flood(chunks, "4\r\nmore\r\n")).contains("1 MiB"));
    assert!(
        refusal(&flood("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"))
            .contains("announces")
    );
    assert!(
        refusal(&reply("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")).contains("1 MiB")
    );
}

#[test]
fn what_is_no_http_is_refused() {
    for answer in [
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200",
        "",
    ] {
        let message = refusal(&reply(answer));
        assert!(message.contains("http_get: "), "{answer:?}: {message}");
    }
}

#[test]
fn a_server_that_never_answers_ends_with_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let limits = Limits { wall: Duration::from_millis(100), ..Limits::default() };
    let result = run(&mut session_within(limits), &format!("http_get({url:?})"));
    assert_eq!(result, Err(Fault::TimedOut(Duration::from_millis(100))));
}

#[test]
fn the_stop_flag_ends_a_wait_for_a_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let limits = Limits { wall: Duration::from_secs(600), ..Limits::default() };
    let stop = Stop::default();
    let text = format!("print(1); http_get({url:?})");
    let result = evaluate(&mut session_within(limits), &text, &stop.clone(), &mut |_| stop.stop());
    assert_eq!(result, Err(Fault::Stopped));
}

#[test]
fn without_leave_there_is_no_http() {
    let engine = Engine::new(Sight { http: false, ..Sight::default() }, Limits::default());
    let message = message_of(run(&mut Session::new(engine), "http_get(\"http://127.0.0.1/\")"));
    assert!(message.contains("not found"), "{message}");
}
