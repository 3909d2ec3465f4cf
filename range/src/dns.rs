//! DNS servers on loopback, UDP and TCP on the same port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Edns, Header, HeaderCounts, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::DNSClass;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

use crate::answer::{Answer, Reply, View, answer};
use crate::internet::Internet;

/// Idle connections are closed after this time.
const IDLE: Duration = Duration::from_secs(30);
/// Answers that may wait on one TCP connection.
const WAITING: usize = 64;
/// Largest UDP answer to those who say that they can take it (DNS flag day 2020).
const UDP_PAYLOAD: u16 = 1_232;
/// How often a port that is free for UDP but not for TCP is given up for another.
const PORT_TRIES: usize = 16;

/// A running DNS server.
pub(crate) struct DnsServer {
    pub(crate) address: SocketAddr,
    server: Server<Handler>,
}

impl DnsServer {
    /// Starts a server with the given view on a free port of 127.0.0.1.
    pub(crate) async fn start(net: Arc<Internet>, view: View) -> io::Result<Self> {
        let (udp, tcp) = bind().await?;
        let address = udp.local_addr()?;
        let mut server = Server::new(Handler { net, view });
        server.register_socket(udp);
        server.register_listener(tcp, IDLE, WAITING);
        Ok(Self { address, server })
    }

    /// Stops it and waits until it has.
    pub(crate) async fn stop(mut self) {
        if let Err(error) = self.server.shutdown_gracefully().await {
            tracing::debug!(%error, "name server of the range did not stop well");
        }
    }
}

/// A UDP socket and a TCP listener on the same free port.
async fn bind() -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = io::Error::other("no free port");
    for _ in 0..PORT_TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

struct Handler {
    net: Arc<Internet>,
    view: View,
}

impl Handler {
    fn reply_to(&self, request: &Request) -> Answer {
        let failed = |code| {
            Answer::Reply(Reply {
                code,
                authoritative: false,
                answers: Vec::new(),
                authorities: Vec::new(),
                additionals: Vec::new(),
            })
        };
        if request.metadata.op_code != OpCode::Query {
            return failed(ResponseCode::NotImp);
        }
        let Ok(info) = request.request_info() else {
            return failed(ResponseCode::FormErr);
        };
        if info.query.query_class() != DNSClass::IN {
            return failed(ResponseCode::Refused);
        }
        let qname = info.query.name().to_string();
        answer(&self.net, self.view, qname.trim_end_matches('.'), info.query.query_type())
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut handle: R,
    ) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let reply = match self.reply_to(request) {
            Answer::Silence => return nothing_sent(request),
            Answer::Reply(reply) => reply,
        };
        metadata.response_code = reply.code;
        metadata.authoritative = reply.authoritative;
        metadata.recursion_available = self.view != View::Parent;
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_PAYLOAD);
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if request.edns.is_some() {
            builder.edns(&edns);
        }
        let Reply { answers, authorities, additionals, .. } = &reply;
        let response = builder.build(metadata, answers, authorities, [], additionals);
        match handle.send_response(response).await {
            Ok(info) => info,
            Err(error) => {
                tracing::debug!(%error, "answer of the range was not sent");
                nothing_sent(request)
            }
        }
    }
}

/// What the server library wants to know about a question that is left unanswered.
fn nothing_sent(request: &Request) -> ResponseInfo {
    let metadata = Metadata::new(request.metadata.id, MessageType::Response, request.metadata.op_code);
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}
