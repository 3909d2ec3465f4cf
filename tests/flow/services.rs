//! The real services work here: each is started, asked, and gone afterwards.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use sea_orm::{ConnectionTrait, Statement};
use tests::{Database, Knot, Postfix, on_each_database};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, UdpSocket},
};

async fn count(db: &impl ConnectionTrait, sql: &str) -> Result<i64> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    Ok(row.context("no row")?.try_get_by_index(0)?)
}

#[tokio::test]
async fn each_database_is_fresh_and_migrated() -> Result<()> {
    on_each_database(async |database| {
        let db = database.connect().await?;
        assert_eq!(count(&db, "SELECT count(*) FROM source").await?, 0, "{}", database.name());
        db.execute_unprepared(
            "INSERT INTO source (id, name, created_at) VALUES ('00000000-0000-7000-8000-000000000000', 'a', 1)",
        )
        .await?;
        assert_eq!(count(&db, "SELECT count(*) FROM source").await?, 1, "{}", database.name());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn two_databases_of_a_test_do_not_meet() -> Result<()> {
    let (one, other) = (Database::each().await?, Database::each().await?);
    for (one, other) in one.iter().zip(&other) {
        assert_ne!(one.url(), other.url());
        one.connect().await?.execute_unprepared("CREATE TABLE only_here (x integer)").await?;
        assert!(count(&other.connect().await?, "SELECT count(*) FROM only_here").await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_postgres_database_is_gone() -> Result<()> {
    let Some(kept) = Database::postgres().await? else { return Ok(()) };
    let Some(dropped) = Database::postgres().await? else { return Ok(()) };
    let name = dropped.url().rsplit('/').next().context("a URL has a path")?.to_owned();
    // A pool that is still open does not keep it alive.
    let open = dropped.connect().await?;
    drop(dropped);
    let named = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(count(&kept.connect().await?, &named).await?, 0);
    drop(open);
    Ok(())
}

const ZONE: &str = "\
$ORIGIN test.example.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 86400 300
@ IN NS ns1
ns1 IN A 192.0.2.1
c2 IN A 192.0.2.7
";

async fn ask(knot: &Knot, name: &str) -> Result<Message> {
    let mut query = Message::new(7, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(Name::from_ascii(name)?, RecordType::A));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(knot.address()).await?;
    socket.send(&query.to_vec()?).await?;
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).await?;
    Ok(Message::from_vec(&buffer[..length])?)
}

#[tokio::test]
async fn a_real_name_server_answers_from_its_zones() -> Result<()> {
    let other = ZONE.replace("test.example", "other.example");
    let Some(knot) = Knot::start(&[("test.example.", ZONE), ("other.example.", &other)]).await? else {
        return Ok(());
    };
    for zone in ["test.example.", "other.example."] {
        let answer = ask(&knot, &format!("c2.{zone}")).await?;
        assert!(answer.metadata.authoritative);
        assert_eq!(answer.answers.len(), 1);
        assert_eq!(answer.answers[0].data, RData::A(Ipv4Addr::new(192, 0, 2, 7).into()));
    }
    let missing = ask(&knot, "gone.test.example.").await?;
    assert_eq!(missing.metadata.response_code, ResponseCode::NXDomain);
    Ok(())
}

#[tokio::test]
async fn a_zone_that_cannot_be_read_is_an_error() -> Result<()> {
    if tests::services::program("knotd").is_none() {
        return tests::services::skip("a test with a real name server: knotd is not installed");
    }
    let refused = Knot::start(&[("bad..example", "not a zone")]).await;
    assert!(refused.is_err());
    Ok(())
}

/// Says the lines of one SMTP session (RFC 5321), each after the reply to the one before, and returns the replies.
async fn smtp(postfix: &Postfix, lines: &[&str]) -> Result<Vec<String>> {
    let mut stream = BufReader::new(TcpStream::connect(postfix.address()).await?);
    let mut replies = Vec::new();
    for line in [&[""], lines].concat() {
        if !line.is_empty() {
            stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await?;
        }
        let mut reply = String::new();
        stream.read_line(&mut reply).await?;
        replies.push(reply);
    }
    Ok(replies)
}

#[tokio::test]
async fn a_real_mail_server_delivers_to_the_mailbox_of_its_recipient() -> Result<()> {
    let Some(postfix) = Postfix::start(&["abuse@registrar.example", "abuse@host.example"]).await? else {
        return Ok(());
    };
    let session = [
        "HELO lockstep.example",
        "MAIL FROM:<desk@lockstep.example>",
        "RCPT TO:<abuse@registrar.example>",
        "RCPT TO:<nobody@registrar.example>",
        "RCPT TO:<abuse@elsewhere.example>",
        "DATA",
        "Subject: a notice\r\n\r\n..a line that begins with a dot\r\n.",
        "QUIT",
    ];
    let replies = smtp(&postfix, &session).await?;
    let codes: Vec<_> = replies.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(codes, ["220", "250", "250", "250", "550", "554", "354", "250", "221"], "{replies:?}");

    let delivered = postfix.delivered("abuse@registrar.example", 1).await?;
    let message = String::from_utf8(delivered[0].clone())?;
    assert!(message.contains("Subject: a notice\n"), "{message}");
    assert!(message.ends_with("\n\n.a line that begins with a dot\n"), "{message}");
    assert!(postfix.mailbox("abuse@host.example")?.is_empty());
    Ok(())
}
