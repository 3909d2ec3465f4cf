//! One question to one server: over UDP, and over TCP when the answer was cut or its letter case came back wrong.

use std::{net::SocketAddr, time::Duration};

use hickory_proto::{
    op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, Query},
    rr::{Name, RecordType},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::lines::{Heard, Lines};
use crate::observe::reading::Outcome;

/// How many random ids are drawn before the sockets count as full.
const MAX_DRAWS: usize = 16;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name, fully qualified and lower case.
    pub name: Name,
    /// The record type.
    pub kind: RecordType,
    /// Whether the server should find the answer elsewhere (RD).
    pub recurse: bool,
}

impl Question {
    /// A message with a random id (drawn by hickory), the name in random letter case, and EDNS for 1232 bytes.
    fn message(&self) -> Message {
        let mut name = self.name.clone();
        name.randomize_label_case();
        let mut message = Message::query();
        message.metadata.recursion_desired = self.recurse;
        message.queries.push(Query::query(name, self.kind));
        message.edns.get_or_insert_with(Edns::new).set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
        message
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
    /// The network or the limiter refused.
    #[error("the question could not be put: {0}")]
    Network(String),
    /// Something came that is no answer.
    #[error("the answer is malformed: {0}")]
    Malformed(String),
}

impl Failure {
    /// How a question ended that failed so.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Timeout => Outcome::Timeout,
            Self::Network(_) | Self::Malformed(_) => Outcome::Error,
        }
    }

    fn malformed(error: impl std::fmt::Display) -> Self {
        Self::Malformed(error.to_string())
    }

    fn network(error: impl std::fmt::Display) -> Self {
        Self::Network(error.to_string())
    }
}

/// The way questions travel.
#[derive(Debug)]
pub struct Exchange {
    timeout: Duration,
    lines: Lines,
}

impl Exchange {
    /// Each question waits `timeout` for its answer.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, lines: Lines::default() }
    }

    /// Asks `server` once.
    pub async fn ask(&self, server: SocketAddr, question: &Question) -> Result<Message, Failure> {
        match timeout(self.timeout, self.ask_over_udp(server, question))
            .await
            .map_err(|_| Failure::Timeout)??
        {
            Heard::Whole(bytes) => Message::from_vec(&bytes).map_err(Failure::malformed),
            Heard::Doubtful => {
                timeout(self.timeout, ask_over_tcp(server, question)).await.map_err(|_| Failure::Timeout)?
            }
        }
    }

    async fn ask_over_udp(&self, server: SocketAddr, question: &Question) -> Result<Heard, Failure> {
        // The header, the name, its type and class.
        let labels = question.name.iter().map(|label| 1 + label.len()).sum::<usize>();
        let question_end = 12 + labels + 1 + 4;
        for _ in 0..MAX_DRAWS {
            let wire = question.message().to_vec().map_err(Failure::malformed)?;
            if let Some(heard) =
                self.lines.ask(server, &wire, question_end).await.map_err(Failure::network)?
            {
                return Ok(heard);
            }
        }
        Err(Failure::network("no id is free"))
    }
}

/// Asks over a connection of its own (RFC 7766: two bytes of length before each message).
async fn ask_over_tcp(server: SocketAddr, question: &Question) -> Result<Message, Failure> {
    let query = question.message();
    let wire = query.to_vec().map_err(Failure::malformed)?;
    let bytes = over_tcp(server, &wire).await.map_err(Failure::network)?;
    let reply = Message::from_vec(&bytes).map_err(Failure::malformed)?;
    let is_ours = reply.id == query.id && reply.message_type == MessageType::Response;
    // A server that cannot read the question sends none back.
    let is_answer = reply.queries == query.queries || reply.queries.is_empty() && reply.answers.is_empty();
    if is_ours && is_answer { Ok(reply) } else { Err(Failure::malformed("it does not answer the question")) }
}

async fn over_tcp(server: SocketAddr, wire: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(wire.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), wire].concat()).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}
