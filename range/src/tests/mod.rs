//! Tests of the range, over its own sockets; the clock is set by hand.

mod desk;
mod dns;
mod lists;
mod rdap;
mod scenario;
mod smtp;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::{Clock, Range, Scenario};

/// A clock that goes only when told.
#[derive(Clone)]
pub(super) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(super) fn at(time: OffsetDateTime) -> Self {
        Self(Arc::new(AtomicI64::new(time.unix_timestamp())))
    }

    pub(super) fn forward_minutes(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub(super) fn clock(&self) -> Clock {
        let this = self.clone();
        Arc::new(move || this.now())
    }
}

/// The small scenario, running, and its clock at the start of the story.
pub(super) async fn small() -> (Range, HandClock) {
    let scenario = Scenario::small().unwrap();
    let clock = HandClock::at(scenario.starts_at());
    (Range::start(scenario, clock.clock()).await.unwrap(), clock)
}

/// A mail session: sends text, reads one reply at a time.
pub(super) struct MailClient(BufReader<TcpStream>);

impl MailClient {
    pub(super) async fn connect(to: SocketAddr) -> Self {
        let mut client = Self(BufReader::new(TcpStream::connect(to).await.unwrap()));
        assert!(client.reply().await.starts_with("220 "));
        client
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// The next reply, its lines joined; empty at the end of the session.
    pub(super) async fn reply(&mut self) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            all.push_str(&line);
            if line.get(3..4) != Some("-") {
                return all;
            }
        }
    }

    pub(super) async fn ask(&mut self, text: &str) -> String {
        self.send(text).await;
        self.reply().await
    }

    /// Sends a whole message to one recipient; the reply to its end.
    pub(super) async fn deliver(&mut self, to: &str, message: &str) -> String {
        assert!(self.ask("EHLO lockstep.example\r\n").await.starts_with("250-"));
        assert!(self.ask("MAIL FROM:<desk@lockstep.example>\r\n").await.starts_with("250 "));
        assert!(self.ask(&format!("RCPT TO:<{to}>\r\n")).await.starts_with("250 "));
        assert!(self.ask("DATA\r\n").await.starts_with("354 "));
        self.ask(&format!("{message}\r\n.\r\n")).await
    }
}
