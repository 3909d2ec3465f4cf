//! `lockstep serve` as a real process: it answers, and it ends in order when it is told to.
#![expect(clippy::expect_used, clippy::panic, reason = "a test")]

mod lockstep;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use lockstep::Lockstep;
use serde_json::Value;

/// The longest that anything here may take; a test waits for a sign, never for time to pass.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that runs until it is told to stop.
struct Running {
    child: Child,
    ready: Option<Value>,
}

impl Running {
    /// Starts it; with the role web, waits for the line that says where it listens.
    fn start(lockstep: &Lockstep, words: &[&str]) -> Self {
        let mut command = lockstep.command(words);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary");
        let ready = words.contains(&"--json").then(|| {
            let mut line = String::new();
            BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
            serde_json::from_str(&line).expect("JSON")
        });
        Self { child, ready }
    }

    fn address(&self) -> String {
        let url = self.ready.as_ref().and_then(|ready| ready["url"].as_str()).expect("an address");
        url.trim_start_matches("http://").to_owned()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for the end and returns the exit code.
    fn ends(mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not end within {PATIENCE:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // No test leaves a process behind, whichever way it ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

fn get(address: &str, path: &str) -> String {
    let mut stream = connect(address);
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn it_answers_and_ends_with_zero_at_sigterm_and_at_ctrl_c() {
    for signal in ["TERM", "INT"] {
        let lockstep = Lockstep::new();
        let running = Running::start(&lockstep, &["serve", "--json"]);
        let address = running.address();
        assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200"));
        assert!(get(&address, "/readyz").starts_with("HTTP/1.1 200"));
        let metrics = get(&address, "/metrics");
        assert!(
            metrics.contains("lockstep_http_requests_total{route=\"/readyz\",status=\"200\"} 1"),
            "{metrics}"
        );
        running.signal(signal);
        assert_eq!(running.ends(), Some(0), "{signal}");
    }
}

#[test]
fn a_request_in_hand_is_answered_after_the_door_has_closed() {
    let lockstep = Lockstep::new();
    let running = Running::start(&lockstep, &["serve", "--roles", "web", "--json"]);
    let address = running.address();
    let body = r#"{"query":"{ __typename }"}"#;
    let mut stream = connect(&address);
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{}",
        body.len(),
        &body[..5]
    )
    .expect("written");
    // Answered only once the server has the first request's headers: both went over loopback in order of accept.
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200"));
    running.signal("TERM");
    let begun = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the door stays open");
        std::thread::yield_now();
    }
    stream.write_all(&body.as_bytes()[5..]).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("__typename"), "{answer}");
    assert_eq!(running.ends(), Some(0));
}

/// A resolver that hears and, until it is told to, does not answer; one name to look up; a worker at it.
fn a_job_in_hand(grace: &str) -> (Lockstep, UdpSocket, Running) {
    let resolver = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    resolver.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let mut lockstep = Lockstep::new();
    lockstep.set("LOCKSTEP__OBSERVE__RESOLVERS", &resolver.local_addr().expect("an address").to_string());
    lockstep.set("LOCKSTEP__OBSERVE__RECORDS", "A");
    lockstep.set("LOCKSTEP__OBSERVE__DELEGATION", "false");
    lockstep.set("LOCKSTEP__OBSERVE__WILDCARD", "false");
    lockstep.set("LOCKSTEP__OBSERVE__DNS_TIMEOUT", "1h");
    lockstep.set("LOCKSTEP__OBSERVE__DNS_ATTEMPTS", "1");
    lockstep.set("LOCKSTEP__JOBS__GRACE", grace);
    lockstep.write("list.txt", "evil.example.com\n");
    lockstep.run(&["import", "list.txt", "--pap", "green"]).exits(0);
    let running = Running::start(&lockstep, &["serve", "--roles", "worker"]);
    (lockstep, resolver, running)
}

#[test]
fn a_job_that_does_not_end_within_the_grace_is_put_back_with_its_attempt() {
    let (lockstep, resolver, running) = a_job_in_hand("200ms");
    resolver.recv_from(&mut [0; 512]).expect("the job asks");
    running.signal("TERM");
    assert_eq!(running.ends(), Some(0));
    let jobs = lockstep.run(&["jobs", "list", "--json"]).exits(0).lines();
    let job = jobs.iter().find(|job| job["name"] == "observe-due").expect("the job is still there");
    assert_eq!((&job["state"], &job["attempts"]), (&"waits".into(), &0.into()));
    assert_eq!(lockstep.run(&["audit", "verify", "--json"]).exits(0).json()["ledger"], "intact");
}

#[test]
fn a_job_that_ends_within_the_grace_is_finished() {
    let (lockstep, resolver, running) = a_job_in_hand("20s");
    let mut message = [0; 512];
    let mut asked = resolver.recv_from(&mut message).expect("the job asks");
    running.signal("TERM");
    let answering = resolver.try_clone().expect("a socket");
    std::thread::spawn(move || {
        loop {
            // The same message as an answer: no such name (RFC 1035 §4.1.1).
            message[2] |= 0x80;
            message[3] = 0x83;
            if answering.send_to(&message[..asked.0], asked.1).is_err() {
                return;
            }
            let Ok(next) = answering.recv_from(&mut message) else { return };
            asked = next;
        }
    });
    assert_eq!(running.ends(), Some(0));
    let jobs = lockstep.run(&["jobs", "list", "--json"]).exits(0).lines();
    assert!(jobs.iter().all(|job| job["name"] != "observe-due" || job["attempts"] == 0), "{jobs:?}");
    let tail = lockstep.run(&["audit", "tail", "--json"]).exits(0).lines();
    assert!(tail.len() >= 2, "the look was stored: {tail:?}");
}

#[test]
fn spans_leave_before_the_end_when_configured() {
    let collector = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let mut lockstep = Lockstep::new();
    lockstep
        .set("LOCKSTEP__TELEMETRY__OTLP", &format!("http://{}", collector.local_addr().expect("an address")));
    let running = Running::start(&lockstep, &["serve", "--roles", "web", "--json"]);
    get(&running.address(), "/graphql");
    running.signal("TERM");
    let (mut stream, _) = collector.accept().expect("a connection");
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).expect("gRPC's HTTP/2 preface");
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    drop(stream);
    drop(collector);
    assert_eq!(running.ends(), Some(0));
}
