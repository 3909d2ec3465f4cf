use std::sync::Arc;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::{MailClient, small};
use crate::Scenario;
use crate::internet::Internet;
use crate::mailbox::Mailboxes;
use crate::smtp_session::Session;

const DESK: &str = "abuse@meridian-names.net.example";
const CSIRT: &str = "reports@cert-exampleland.net.example";

#[tokio::test]
async fn a_message_reaches_every_recipient_unstuffed() {
    let (range, clock) = small().await;
    let mut client = MailClient::connect(range.smtp()).await;
    let hello = client.ask("EHLO lockstep.example\r\n").await;
    for extension in ["PIPELINING", "SIZE 26214400", "8BITMIME"] {
        assert!(hello.contains(extension), "{hello}");
    }
    assert!(
        client
            .ask("MAIL FROM:<a@lockstep.example> SIZE=200 BODY=8BITMIME\r\n")
            .await
            .starts_with("250 2.1.0")
    );
    assert!(client.ask(&format!("RCPT TO:<{DESK}>\r\n")).await.starts_with("250 2.1.5"));
    assert!(client.ask("RCPT TO:<nobody@range.example>\r\n").await.starts_with("550 5.1.1"));
    assert!(client.ask(&format!("RCPT TO:<{}>\r\n", CSIRT.to_uppercase())).await.starts_with("250 2.1.5"));
    assert!(client.ask("DATA\r\n").await.starts_with("354 "));
    let body = "Subject: test\r\n\r\n..dot first\r\nin . line\r\n...\r\nm\u{fc}de\r\n.\r\n";
    assert!(client.ask(body).await.starts_with("250 2.0.0"));
    assert!(client.ask("QUIT\r\n").await.starts_with("221 "));
    assert_eq!(client.reply().await, "", "the session is closed");
    for mailbox in [DESK, CSIRT] {
        let mails = range.mailbox(mailbox);
        assert_eq!(mails.len(), 1);
        let text = String::from_utf8(mails[0].raw.to_vec()).unwrap();
        assert_eq!(text, "Subject: test\r\n\r\n.dot first\r\nin . line\r\n..\r\nm\u{fc}de\r\n");
        assert_eq!((mails[0].received_at, mails[0].from.as_str()), (clock.now(), "a@lockstep.example"));
        assert_eq!(mails[0].to, [DESK, CSIRT]);
    }
    assert!(range.mailbox("nobody@range.example").is_empty());
}

#[tokio::test]
async fn commands_may_come_in_one_piece_or_in_crumbs() {
    let (range, _) = small().await;
    let mut client = MailClient::connect(range.smtp()).await;
    let session = format!(
        "EHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<{DESK}>\r\nRCPT TO:<no@no.example>\r\nDATA\r\nA: b\r\n\r\n.x\r\n.\r\n\
         NOOP\r\nMAIL FROM:<b@x.example>\r\nRCPT TO:<{DESK}>\r\nDATA\r\n.\r\nQUIT\r\n"
    );
    client.send(&session).await;
    let mut codes = Vec::new();
    for _ in 0..11 {
        codes.push(client.reply().await[..3].to_owned());
    }
    assert_eq!(codes, ["250", "250", "250", "550", "354", "250", "250", "250", "250", "354", "250"]);
    assert!(client.reply().await.starts_with("221"));
    let mails = range.mailbox(DESK);
    assert_eq!(&*mails[0].raw, b"A: b\r\n\r\nx\r\n");
    assert_eq!(&*mails[1].raw, b"", "a message may be empty");
    assert_eq!(mails[0].from, "");

    let mut client = MailClient::connect(range.smtp()).await;
    for byte in session.as_bytes() {
        client.0.get_mut().write_all(&[*byte]).await.unwrap();
    }
    for code in codes {
        assert_eq!(client.reply().await[..3], code);
    }
    assert_eq!(range.mailbox(DESK).len(), 4);
    assert_eq!(range.mailbox(DESK)[2].raw, mails[0].raw);
}

#[tokio::test]
async fn the_order_of_a_session_is_kept() {
    let (range, _) = small().await;
    let mut client = MailClient::connect(range.smtp()).await;
    let rcpt = format!("RCPT TO:<{DESK}>\r\n");
    let steps = [
        ("MAIL FROM:<a@x.example>\r\n", "503"),
        ("HELO x.example\r\n", "250"),
        (rcpt.as_str(), "503"),
        ("DATA\r\n", "503"),
        ("MAIL FROM:<a@x.example>\r\n", "250"),
        ("MAIL FROM:<a@x.example>\r\n", "503"),
        (rcpt.as_str(), "250"),
        ("RSET\r\n", "250"),
        ("DATA\r\n", "503"),
        ("MAIL FROM:<a@x.example> SIZE=99999999\r\n", "552"),
        ("VRFY someone\r\n", "252"),
        ("AUTH PLAIN AAAA\r\n", "502"),
        ("STARTTLS\r\n", "502"),
        ("NONSENSE\r\n", "500"),
        ("NOOP\r\n", "250"),
    ];
    for (command, code) in steps {
        let reply = client.ask(command).await;
        assert!(reply.starts_with(code), "{command:?}: {reply}");
    }
    assert!(range.mailbox(DESK).is_empty());
}

#[tokio::test]
async fn too_much_is_refused_and_the_range_goes_on() {
    let (range, _) = small().await;
    let mut client = MailClient::connect(range.smtp()).await;
    let large = "x".repeat(26 * 1024 * 1024);
    assert!(client.deliver(DESK, &large).await.starts_with("552 5.3.4"));
    assert!(client.deliver(DESK, "Subject: small\r\n\r\nstill here").await.starts_with("250 "));
    assert_eq!(range.mailbox(DESK).len(), 1);
    let long = format!("NOOP {}\r\n", "y".repeat(100_000));
    assert!(client.ask(&long).await.starts_with("500 5.5.2"));
    assert!(client.ask("NOOP\r\n").await.starts_with("250"), "the rest of the long line is passed over");
    let mut client = MailClient::connect(range.smtp()).await;
    client.send(&"WHAT\r\n".repeat(40)).await;
    for _ in 0..21 {
        assert!(client.reply().await.starts_with("500"));
    }
    assert!(client.reply().await.starts_with("421"), "a client that only errs is sent away");
}

#[test]
fn replies_do_not_depend_on_how_the_bytes_arrive() {
    let scenario = Scenario::small().unwrap();
    let start = scenario.starts_at();
    let net = Arc::new(Internet::new(scenario, Arc::new(move || start)));
    let line = prop_oneof![
        Just("EHLO a.example\r\n".to_owned()),
        Just("MAIL FROM:<a@a.example>\r\n".to_owned()),
        Just(format!("RCPT TO:<{DESK}>\r\n")),
        Just("RCPT TO:<x@y.example>\r\n".to_owned()),
        Just("DATA\r\n".to_owned()),
        Just(".\r\n".to_owned()),
        Just("RSET\r\n".to_owned()),
        "[ -~]{0,20}\r\n",
        "[.\r\n]{0,6}",
    ];
    let script = proptest::collection::vec(line, 0..24);
    proptest!(|(script in script, cuts in proptest::collection::vec(1_usize..40, 1..20))| {
        let bytes = script.concat().into_bytes();
        let run = |cuts: &[usize]| {
            let boxes = Arc::new(Mailboxes::new([DESK.to_owned()]));
            let mut session = Session::new(net.clone(), boxes.clone());
            let (mut rest, mut answers, mut cuts) = (&bytes[..], Vec::new(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                session.take(now, &mut answers);
                rest = later;
            }
            (answers, boxes.read(DESK, 0))
        };
        prop_assert_eq!(run(&[usize::MAX]), run(&cuts));
    });
}
