//! One question to one server: over UDP, and over TCP when the answer was cut or its case came back wrong.

use std::{net::SocketAddr, time::Duration};

use futures::StreamExt;
use hickory_proto::{
    op::{DnsRequest, DnsRequestOptions, Message, MessageType, Query},
    rr::{Name, RecordType},
};
use hickory_resolver::net::{
    NetError, runtime::TokioRuntimeProvider, udp::UdpClientStream, xfer::DnsRequestSender,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::observe::reading::Outcome;

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

/// The answer to a [`Question`]: its id, question and sender were checked.
#[derive(Debug)]
pub struct Reply {
    /// The message.
    pub message: Message,
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
}

/// The way questions travel.
#[derive(Debug)]
pub struct Exchange {
    timeout: Duration,
}

impl Exchange {
    /// Each question waits `timeout` for its answer.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    /// Asks `server` once.
    pub async fn ask(&self, server: SocketAddr, question: &Question) -> Result<Reply, Failure> {
        let request = self.request(question);
        let mut udp = UdpClientStream::builder(server, TokioRuntimeProvider::new())
            .with_timeout(Some(self.timeout))
            .with_max_retries(1)
            .build();
        match udp.send_message(request).next().await {
            Some(Ok(response)) if !response.truncation => Ok(Reply { message: response.into_message() }),
            Some(Ok(_) | Err(NetError::QueryCaseMismatch)) => self.ask_over_tcp(server, question).await,
            Some(Err(NetError::Timeout)) | None => Err(Failure::Timeout),
            Some(Err(NetError::Io(error))) => Err(Failure::Network(error.to_string())),
            Some(Err(error)) => Err(Failure::Malformed(error.to_string())),
        }
    }

    fn request(&self, question: &Question) -> DnsRequest {
        let mut options = DnsRequestOptions::default();
        options.recursion_desired = question.recurse;
        options.case_randomization = true;
        options.retry_interval = self.timeout;
        DnsRequest::from_query(Query::query(question.name.clone(), question.kind), options)
    }

    async fn ask_over_tcp(&self, server: SocketAddr, question: &Question) -> Result<Reply, Failure> {
        let (message, _) = self.request(question).into_parts();
        let wire = message.to_vec().map_err(|error| Failure::Malformed(error.to_string()))?;
        let bytes = timeout(self.timeout, over_tcp(server, &wire))
            .await
            .map_err(|_| Failure::Timeout)?
            .map_err(|error| Failure::Network(error.to_string()))?;
        let reply = Message::from_vec(&bytes).map_err(|error| Failure::Malformed(error.to_string()))?;
        if reply.id != message.id
            || reply.message_type != MessageType::Response
            || reply.queries != message.queries
        {
            return Err(Failure::Malformed("it does not answer the question".to_owned()));
        }
        Ok(Reply { message: reply })
    }
}

/// Sends one message over a connection of its own and reads one (RFC 7766: two bytes of length before each).
async fn over_tcp(server: SocketAddr, wire: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(wire.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), wire].concat()).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}
