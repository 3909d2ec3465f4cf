//! A mail session (RFC 5321): bytes in, replies out; no socket.
//!
//! Commands and the end of data are parsed by `smtp-proto`; here are the session's order and its limits.
//! SIZE (RFC 1870), 8BITMIME (RFC 6152), PIPELINING (RFC 2920), ENHANCEDSTATUSCODES (RFC 2034) and, so that
//! a sender can ask for it, DSN (RFC 3461), which is taken and not acted upon. No TLS, no authentication.

use std::borrow::Cow;
use std::sync::Arc;

use smtp_proto::request::receiver::{DataReceiver, DummyLineReceiver, RequestReceiver};
use smtp_proto::{Error, Request};

use crate::internet::Internet;
use crate::mailbox::Mailboxes;

/// Largest message, in bytes.
const MAX_MESSAGE: usize = 25 * 1024 * 1024;
/// Most recipients of one message (RFC 5321 asks for at least 100).
const MAX_RECIPIENTS: usize = 100;
/// Most commands of one session that are refused before it is ended.
const MAX_ERRORS: usize = 20;

/// One session.
pub(crate) struct Session {
    net: Arc<Internet>,
    mailboxes: Arc<Mailboxes>,
    commands: RequestReceiver,
    /// Set while the rest of a line that was too long passes by.
    skipping: bool,
    data: Option<Data>,
    greeted: bool,
    from: Option<String>,
    to: Vec<String>,
    errors: usize,
    pub(crate) ended: bool,
}

/// A message that is arriving.
struct Data {
    receiver: DataReceiver,
    message: Vec<u8>,
    too_large: bool,
}

impl Session {
    pub(crate) fn new(net: Arc<Internet>, mailboxes: Arc<Mailboxes>) -> Self {
        let commands = RequestReceiver::default();
        Self {
            net,
            mailboxes,
            commands,
            skipping: false,
            data: None,
            greeted: false,
            from: None,
            to: Vec::new(),
            errors: 0,
            ended: false,
        }
    }

    /// Takes bytes of the client, which may hold several commands, and appends the replies.
    pub(crate) fn take(&mut self, bytes: &[u8], answers: &mut Vec<u8>) {
        let mut bytes = bytes.iter();
        while !self.ended && !bytes.as_slice().is_empty() {
            let reply =
                if self.data.is_some() { self.take_data(&mut bytes) } else { self.take_command(&mut bytes) };
            let Some(reply) = reply else { continue };
            if reply.starts_with('5') {
                self.errors += 1;
            }
            answers.extend_from_slice(reply.as_bytes());
            answers.extend_from_slice(b"\r\n");
            if self.errors > MAX_ERRORS {
                answers.extend_from_slice(b"421 4.7.0 too many errors\r\n");
                self.ended = true;
            }
        }
    }

    fn take_command(&mut self, bytes: &mut std::slice::Iter<'_, u8>) -> Option<Cow<'static, str>> {
        if self.skipping {
            self.skipping = !DummyLineReceiver::default().ingest(bytes);
            return None;
        }
        let mut commands = std::mem::take(&mut self.commands);
        let reply = match commands.ingest(bytes) {
            Ok(request) => Some(self.command(request)),
            Err(Error::NeedsMoreData { .. }) => None,
            Err(error) => {
                self.skipping = matches!(error, Error::ResponseTooLong);
                Some(refusal(&error))
            }
        };
        self.commands = commands;
        reply
    }

    fn command(&mut self, request: Request<Cow<'_, str>>) -> Cow<'static, str> {
        match request {
            Request::Ehlo { .. } => {
                self.greeted = true;
                self.reset();
                Cow::Owned(format!(
                    "250-mail.range.example\r\n250-PIPELINING\r\n250-SIZE {MAX_MESSAGE}\r\n250-8BITMIME\r\n\
                     250-DSN\r\n250 ENHANCEDSTATUSCODES"
                ))
            }
            Request::Helo { .. } => {
                self.greeted = true;
                self.reset();
                Cow::Borrowed("250 mail.range.example")
            }
            Request::Mail { from } => self.mail(&from.address, from.size),
            Request::Rcpt { to } => self.rcpt(&to.address),
            Request::Data => self.begin_data(),
            Request::Rset => {
                self.reset();
                Cow::Borrowed("250 2.0.0 forgotten")
            }
            Request::Noop { .. } => Cow::Borrowed("250 2.0.0 fine"),
            Request::Vrfy { .. } => Cow::Borrowed("252 2.5.2 send it and see"),
            Request::Quit => {
                self.ended = true;
                Cow::Borrowed("221 2.0.0 goodbye")
            }
            _ => Cow::Borrowed("502 5.5.1 not done here"),
        }
    }

    fn mail(&mut self, from: &str, size: usize) -> Cow<'static, str> {
        if !self.greeted {
            return Cow::Borrowed("503 5.5.1 say EHLO first");
        }
        if self.from.is_some() {
            return Cow::Borrowed("503 5.5.1 a message is under way, RSET first");
        }
        if size > MAX_MESSAGE {
            return Cow::Borrowed("552 5.3.4 too large");
        }
        self.from = Some(from.to_owned());
        Cow::Borrowed("250 2.1.0 sender taken")
    }

    fn rcpt(&mut self, to: &str) -> Cow<'static, str> {
        if self.from.is_none() {
            return Cow::Borrowed("503 5.5.1 say MAIL first");
        }
        if self.to.len() >= MAX_RECIPIENTS {
            return Cow::Borrowed("452 4.5.3 too many recipients");
        }
        if !self.mailboxes.knows(to) {
            return Cow::Borrowed("550 5.1.1 no such mailbox here");
        }
        let to = to.to_ascii_lowercase();
        if !self.to.contains(&to) {
            self.to.push(to);
        }
        Cow::Borrowed("250 2.1.5 recipient taken")
    }

    fn begin_data(&mut self) -> Cow<'static, str> {
        if self.to.is_empty() {
            return Cow::Borrowed("503 5.5.1 no recipient was taken");
        }
        let mut data = Data { receiver: DataReceiver::new(), message: Vec::new(), too_large: false };
        // The receiver looks for a dot after a line's end: the DATA command's line has just ended.
        data.receiver.ingest(&mut b"\r\n".iter(), &mut data.message);
        data.message.clear();
        self.data = Some(data);
        Cow::Borrowed("354 go on, end with a dot")
    }

    fn take_data(&mut self, bytes: &mut std::slice::Iter<'_, u8>) -> Option<Cow<'static, str>> {
        let data = self.data.as_mut()?;
        let complete = data.receiver.ingest(bytes, &mut data.message);
        if data.message.len() > MAX_MESSAGE {
            data.too_large = true;
        }
        if data.too_large {
            data.message.clear();
        }
        if !complete {
            return None;
        }
        let data = self.data.take()?;
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        if data.too_large {
            return Some(Cow::Borrowed("552 5.3.4 too large"));
        }
        Some(match self.mailboxes.deliver(&from, &to, &data.message, self.net.now()) {
            Ok(()) => Cow::Borrowed("250 2.0.0 kept"),
            Err(_) => Cow::Borrowed("452 4.2.2 the mailboxes are full"),
        })
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

fn refusal(error: &Error) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        Error::UnknownCommand => "500 5.5.1 no such command",
        Error::InvalidSenderAddress => "501 5.1.7 that is no sender address",
        Error::InvalidRecipientAddress => "501 5.1.3 that is no recipient address",
        Error::SyntaxError { .. } | Error::InvalidParameter { .. } => "501 5.5.4 bad syntax",
        Error::UnsupportedParameter { .. } => "555 5.5.4 that parameter is not known here",
        Error::ResponseTooLong => "500 5.5.2 line too long",
        Error::NeedsMoreData { .. } | Error::InvalidResponse { .. } => "500 5.5.2 not understood",
    })
}
