//! The way out for notices: a mail server, a folder, or nowhere. Builds the message (RFC 5322) from the stored
//! text; whether it may leave was decided before.

use std::{fmt, path::PathBuf, str::FromStr, time::SystemTime};

use entities::Timestamp;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart, MultiPartKind, SinglePart,
        header::{ContentDisposition, ContentType, HeaderName, HeaderValue},
    },
};

use crate::{
    error::Error,
    settings::{Delivery, MailSettings},
};

/// Where mail goes.
pub enum Mail {
    /// Nowhere.
    Off,
    /// Into a folder.
    File {
        /// The folder.
        dir: PathBuf,
    },
    /// To a mail server.
    Smtp {
        /// The pooled connections.
        transport: AsyncSmtpTransport<Tokio1Executor>,
        /// One mailbox for everything, instead of the recipients.
        redirect: Option<Mailbox>,
    },
}

impl fmt::Debug for Mail {
    /// Without what the connections know of passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::File { .. } => "File",
            Self::Smtp { redirect: None, .. } => "Smtp",
            Self::Smtp { redirect: Some(_), .. } => "Smtp, redirected",
        })
    }
}

/// A message as it was stored, with what its headers need.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Our mailbox.
    pub from: String,
    /// The mailbox that answers go to.
    pub reply_to: Option<String>,
    /// The desk's mailbox.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The Message-ID without angle brackets; the same each time, so that a message sent twice is recognised.
    pub message_id: String,
    /// The date.
    pub date: Timestamp,
    /// The text part.
    pub body: String,
    /// JSON attachments: file name and text.
    pub attachments: Vec<(String, String)>,
}

/// Why a message did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Delivery is off.
    #[error("delivery is off: dry run")]
    Off,
    /// Not now: a 4xx reply, or no connection.
    #[error("not taken now: {0}")]
    Later(String),
    /// Never: a 5xx reply.
    #[error("refused: {0}")]
    Refused(String),
    /// The message cannot be built.
    #[error("no message: {0}")]
    Unfit(String),
}

impl Mail {
    /// Opens the way that the settings name. No connection is made yet. Must be
    /// called, and its answer dropped, inside a Tokio runtime: the pool of connections lives there.
    ///
    /// # Errors
    /// A URL, mailbox or folder in the settings is wrong.
    pub fn open(settings: &MailSettings) -> Result<Self, Error> {
        for (field, text) in
            [("mail.from", Some(&settings.from)), ("mail.reply_to", settings.reply_to.as_ref())]
        {
            if let Some(text) = text {
                mailbox(text)
                    .map_err(|_| Error::invalid(field, "is no mailbox: `Name <user@host.example>`"))?;
            }
        }
        let redirect = match &settings.delivery {
            Delivery::Off => return Ok(Self::Off),
            Delivery::File { dir } if dir.is_dir() => return Ok(Self::File { dir: dir.clone() }),
            Delivery::File { .. } => {
                return Err(Error::invalid("mail.delivery.dir", "is no folder: make it first"));
            }
            Delivery::Redirect { to } => Some(
                mailbox(to)
                    .map_err(|_| Error::invalid("mail.delivery.to", "is no mailbox: `user@host.example`"))?,
            ),
            Delivery::On => None,
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp.0)
            .map_err(|_| {
                Error::invalid(
                    "mail.smtp",
                    "is no mail server: `smtp://host:25` or `smtps://user:password@host`",
                )
            })?
            .timeout(Some(settings.timeout))
            .build();
        Ok(Self::Smtp { transport, redirect })
    }

    /// Sends one message; returns what the other side said.
    ///
    /// # Errors
    /// Whether and when trying again helps.
    pub async fn send(&self, outgoing: &Outgoing) -> Result<String, NotSent> {
        match self {
            Self::Off => Err(NotSent::Off),
            Self::File { dir } => {
                let message = build(outgoing, None)?.formatted();
                let name = outgoing.message_id.split('@').next().unwrap_or_default();
                let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let (part, whole) = (dir.join(format!("{name}.part")), dir.join(format!("{name}.eml")));
                let later = |error: std::io::Error| NotSent::Later(error.to_string());
                tokio::fs::write(&part, message).await.map_err(later)?;
                tokio::fs::rename(&part, &whole).await.map_err(later)?;
                Ok(format!("written to {name}.eml"))
            }
            Self::Smtp { transport, redirect } => {
                let message = build(outgoing, redirect.as_ref())?;
                match transport.send(message).await {
                    Ok(response) => {
                        let said: Vec<&str> = response.message().collect();
                        Ok(bounded(&format!("{} {}", response.code(), said.join(" "))))
                    }
                    Err(error) => Err(not_sent(&error)),
                }
            }
        }
    }
}

/// 5xx is for ever; everything else may pass (RFC 5321 §4.2.1).
fn not_sent(error: &lettre::transport::smtp::Error) -> NotSent {
    let mut said = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        said = format!("{said}: {cause}");
    }
    if error.is_permanent() { NotSent::Refused(bounded(&said)) } else { NotSent::Later(bounded(&said)) }
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

fn mailbox(text: &str) -> Result<Mailbox, NotSent> {
    Mailbox::from_str(text).map_err(|_| NotSent::Unfit("a mailbox is none".into()))
}

/// A header's text without line ends and other controls, which could begin another header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(900).collect()
}

/// The message: text, then the attachments. The same input gives the same bytes.
fn build(outgoing: &Outgoing, redirect: Option<&Mailbox>) -> Result<Message, NotSent> {
    let unfit = |what: &'static str| move |_| NotSent::Unfit(what.into());
    let desk = mailbox(&outgoing.to)?;
    let mut builder = Message::builder()
        .from(mailbox(&outgoing.from)?)
        .to(redirect.unwrap_or(&desk).clone())
        .subject(one_line(&outgoing.subject))
        .date(SystemTime::from(outgoing.date.datetime()))
        .message_id(Some(format!("<{}>", one_line(&outgoing.message_id))))
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(reply_to) = &outgoing.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    if redirect.is_some() {
        builder = builder.raw_header(header("Lockstep-Meant-For", desk.email.as_ref()));
    }
    let boundary = format!("lockstep-{}", outgoing.message_id.split('@').next().unwrap_or_default());
    let mut parts = MultiPart::builder()
        .kind(MultiPartKind::Mixed)
        .boundary(boundary)
        .singlepart(SinglePart::plain(outgoing.body.clone()));
    for (name, text) in &outgoing.attachments {
        let kind = ContentType::parse(&format!("application/json; name=\"{name}\""))
            .map_err(unfit("an attachment's name is unfit"))?;
        let part = SinglePart::builder()
            .header(kind)
            .header(ContentDisposition::attachment(name))
            .body(text.clone());
        parts = parts.singlepart(part);
    }
    builder.multipart(parts).map_err(|error| NotSent::Unfit(error.to_string()))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), one_line(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{settings::SmtpUrl, testing::smtp};

    fn outgoing() -> Outgoing {
        Outgoing {
            from: "Takedown desk <takedown@lab.example>".into(),
            reply_to: Some("cases@lab.example".into()),
            to: "abuse@registrar.example".into(),
            subject: "[LKS-7F3K2] please suspend\r\nBcc: everyone@elsewhere.example".into(),
            message_id: "ntc_1@lab.example".into(),
            date: Timestamp(1_747_137_600_000_000),
            body: "Hello,\n\nFrom here on, a text.\n".into(),
            attachments: vec![("xarf-1.json".into(), "{\n  \"a\": 1\n}\n".into())],
        }
    }

    #[test]
    fn the_headers_are_as_desks_and_machines_want_them() {
        let built = build(&outgoing(), None).expect("a message");
        let text = String::from_utf8(built.formatted()).expect("text");
        assert_eq!(
            text,
            String::from_utf8(build(&outgoing(), None).expect("again").formatted()).expect("text")
        );
        insta::assert_snapshot!(text.replace("\r\n", "\n"));
    }

    #[test]
    fn no_value_begins_another_header() {
        let text = String::from_utf8(build(&outgoing(), None).expect("a message").formatted()).expect("text");
        let parsed = mail_parser::MessageParser::default().parse(text.as_bytes()).expect("a message");
        assert!(parsed.bcc().is_none());
        assert!(parsed.subject().is_some_and(|subject| subject.contains("Bcc: everyone")));
        for bad in ["x@y.example\r\nBcc: z@y.example", "a@b.example, c@d.example", "", "abuse"] {
            assert!(build(&Outgoing { to: bad.into(), ..outgoing() }, None).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_redirected_message_names_whom_it_was_meant_for() {
        let ours = mailbox("rehearsal@lab.example").expect("a mailbox");
        let built = build(&outgoing(), Some(&ours)).expect("a message");
        assert_eq!(built.envelope().to().len(), 1);
        assert_eq!(built.envelope().to()[0].to_string(), "rehearsal@lab.example");
        let text = String::from_utf8(built.formatted()).expect("text");
        assert!(text.contains("Lockstep-Meant-For: abuse@registrar.example"));
    }

    #[tokio::test]
    async fn off_sends_nothing_and_a_folder_gets_a_file() {
        assert_eq!(Mail::Off.send(&outgoing()).await, Err(NotSent::Off));
        let dir = tempfile::tempdir().expect("a folder");
        let mail = Mail::File { dir: dir.path().to_owned() };
        assert_eq!(mail.send(&outgoing()).await.expect("written"), "written to ntc_1.eml");
        assert!(dir.path().join("ntc_1.eml").is_file());
    }

    #[tokio::test]
    async fn the_reply_code_decides_between_later_and_never() {
        let send = async |reply| Mail::open(&smtp(reply).await).expect("settings").send(&outgoing()).await;
        assert_eq!(send("250 ok").await, Ok("250 2.0.0 queued as 42".into()));
        assert!(
            matches!(send("451 4.7.1 greylisted").await, Err(NotSent::Later(said)) if said.contains("greylisted"))
        );
        assert!(
            matches!(send("550 5.1.1 no such user").await, Err(NotSent::Refused(said)) if said.contains("no such user"))
        );
        let nobody = MailSettings {
            smtp: SmtpUrl("smtp://127.0.0.1:1".into()),
            delivery: Delivery::On,
            ..MailSettings::default()
        };
        let refused = Mail::open(&nobody).expect("settings").send(&outgoing()).await;
        assert!(matches!(refused, Err(NotSent::Later(_))));
    }

    #[tokio::test]
    async fn settings_are_refused_with_their_key_and_secrets_are_not_shown() {
        let wrong = |settings: MailSettings| Mail::open(&settings).expect_err("wrong").to_string();
        let base = MailSettings { delivery: Delivery::On, ..MailSettings::default() };
        assert!(
            wrong(MailSettings { smtp: SmtpUrl("http://x".into()), ..base.clone() }).starts_with("mail.smtp")
        );
        assert!(wrong(MailSettings { from: "nobody".into(), ..base.clone() }).starts_with("mail.from"));
        let dir = Delivery::File { dir: "/nonexistent/folder".into() };
        assert!(wrong(MailSettings { delivery: dir, ..base.clone() }).starts_with("mail.delivery.dir"));
        let secret = MailSettings { smtp: SmtpUrl("smtps://me:hunter2@mx.example".into()), ..base };
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!(!format!("{:?}", Mail::open(&secret).expect("fit")).contains("hunter2"));
    }
}
