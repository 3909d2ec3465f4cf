//! UDP exchanges over a few sockets instead of one each: a socket costs more than the question.
//!
//! What makes an answer hard to forge (RFC 5452): a random id, a source port that the system draws at random and that
//! is given up after a short while, the server's address, and the question to the letter, whose case is random.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{net::UdpSocket, sync::oneshot, task::AbortHandle, time::Instant};

/// How many sockets are in use at a time, for each of IPv4 and IPv6.
const LINES: usize = 4;
/// After how many questions a socket is given up for one with another port.
const MAX_QUESTIONS: u32 = 2048;
/// After how long a socket is given up.
const MAX_AGE: Duration = Duration::from_secs(30);
/// The longest datagram that is taken; we offer 1232 bytes.
const MAX_DATAGRAM: usize = 4096;
/// The length of a DNS header.
const HEADER: usize = 12;

/// What came for a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The whole answer.
    Whole(Vec<u8>),
    /// Something that must be asked again over TCP: cut short, or its question is not ours to the letter.
    Doubtful,
}

/// The sockets.
#[derive(Debug, Default)]
pub struct Lines {
    ipv4: Mutex<[Option<Arc<Line>>; LINES]>,
    ipv6: Mutex<[Option<Arc<Line>>; LINES]>,
}

impl Lines {
    /// Sends `query`, a DNS message with one question, and waits for its answer; `None` when its id is in use.
    ///
    /// Dropping the future gives the id back.
    ///
    /// # Errors
    /// The socket could not be opened or the query not be sent.
    pub async fn ask(
        &self,
        server: SocketAddr,
        query: &[u8],
        question_end: usize,
    ) -> std::io::Result<Option<Heard>> {
        let id = u16::from_be_bytes([query[0], query[1]]);
        let line = self.line(server, usize::from(id) % LINES)?;
        let Some(ticket) = line.enter(id, server, &query[HEADER..question_end]) else { return Ok(None) };
        line.shared.socket.send_to(query, server).await?;
        ticket.wait().await.map(Some)
    }

    fn line(&self, server: SocketAddr, place: usize) -> std::io::Result<Arc<Line>> {
        let (lines, any) = match server.ip() {
            IpAddr::V4(_) => (&self.ipv4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            IpAddr::V6(_) => (&self.ipv6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        };
        let mut lines = lock(lines);
        if let Some(line) = &lines[place]
            && line.is_fresh()
        {
            return Ok(Arc::clone(line));
        }
        // Those who still wait on the old one hold it until they are done.
        let line = Arc::new(Line::open(any)?);
        lines[place] = Some(Arc::clone(&line));
        Ok(line)
    }
}

/// One socket with its reader, which ends with it.
#[derive(Debug)]
struct Line {
    shared: Arc<Shared>,
    reader: AbortHandle,
    opened: Instant,
    questions: AtomicU32,
}

#[derive(Debug)]
struct Shared {
    socket: UdpSocket,
    waiting: Mutex<HashMap<u16, Waiting>>,
}

/// Who waits for an id.
#[derive(Debug)]
struct Waiting {
    server: SocketAddr,
    question: Box<[u8]>,
    answer: oneshot::Sender<Heard>,
}

impl Line {
    fn open(any: IpAddr) -> std::io::Result<Self> {
        let socket = std::net::UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        let shared = Arc::new(Shared { socket, waiting: Mutex::default() });
        let reader = tokio::spawn(read(Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, reader, opened: Instant::now(), questions: AtomicU32::new(0) })
    }

    fn is_fresh(&self) -> bool {
        self.questions.load(Ordering::Relaxed) < MAX_QUESTIONS
            && self.opened.elapsed() < MAX_AGE
            && !self.reader.is_finished()
    }

    /// Takes `id` for a question; `None` when somebody waits for it already.
    fn enter(self: &Arc<Self>, id: u16, server: SocketAddr, question: &[u8]) -> Option<Ticket> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = lock(&self.shared.waiting);
        if waiting.contains_key(&id) {
            return None;
        }
        self.questions.fetch_add(1, Ordering::Relaxed);
        waiting.insert(id, Waiting { server, question: question.into(), answer });
        Some(Ticket { line: Arc::clone(self), id, answered })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The wait for one id, which is free again when this is dropped.
#[derive(Debug)]
struct Ticket {
    line: Arc<Line>,
    id: u16,
    answered: oneshot::Receiver<Heard>,
}

impl Ticket {
    async fn wait(mut self) -> std::io::Result<Heard> {
        (&mut self.answered).await.map_err(|_| std::io::Error::other("the socket was closed"))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.line.shared.waiting).remove(&self.id);
    }
}

/// Hands what comes in to those who wait for it; what nobody asked for is passed over.
async fn read(shared: Arc<Shared>) {
    let mut buffer = [0; MAX_DATAGRAM];
    loop {
        match shared.socket.recv_from(&mut buffer).await {
            Ok((length, from)) => shared.hand_on(&buffer[..length], from),
            // On Linux an ICMP message about an earlier question may surface here; it proves nothing.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
            Err(_) => return,
        }
    }
}

impl Shared {
    fn hand_on(&self, datagram: &[u8], from: SocketAddr) {
        let Some(header) = datagram.first_chunk::<HEADER>() else { return };
        let id = u16::from_be_bytes([header[0], header[1]]);
        let mut waiting = lock(&self.waiting);
        let Some(asker) = waiting.get(&id) else { return };
        let same_server = asker.server.port() == from.port()
            && asker.server.ip().to_canonical() == from.ip().to_canonical();
        let is_response = header[2] & 0x80 != 0;
        if !same_server || !is_response {
            return;
        }
        let Some(heard) = judge(header, datagram, &asker.question) else { return };
        if let Some(asker) = waiting.remove(&id) {
            let _ = asker.answer.send(heard);
        }
    }
}

/// Whether a datagram with our id from our server answers our question; `None` when it answers another.
fn judge(header: &[u8; HEADER], datagram: &[u8], question: &[u8]) -> Option<Heard> {
    let questions = u16::from_be_bytes([header[4], header[5]]);
    if questions == 0 {
        // Some servers refuse with a bare header: TCP will tell whether it was the server.
        return Some(Heard::Doubtful);
    }
    let theirs = datagram.get(HEADER..HEADER + question.len())?;
    let names = question.len().saturating_sub(4);
    let same = questions == 1
        && theirs[names..] == question[names..]
        && theirs[..names].eq_ignore_ascii_case(&question[..names]);
    let is_cut = header[2] & 0x02 != 0;
    same.then(|| if is_cut || theirs != question { Heard::Doubtful } else { Heard::Whole(datagram.to_vec()) })
}

/// A panic elsewhere must not silence every later question.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, poll};

    use super::*;

    const QUESTION: &[u8] = b"\x01A\x07eXample\x00\x00\x01\x00\x01";

    fn datagram(flags: u8, count: u8, question: &[u8]) -> Vec<u8> {
        [&[0, 7, flags, 0, 0, count, 0, 0, 0, 0, 0, 0], question].concat()
    }

    #[test]
    fn only_our_question_to_the_letter_is_the_whole_answer() {
        let heard = |datagram: &[u8]| judge(datagram.first_chunk().unwrap(), datagram, QUESTION);
        let good = datagram(0x80, 1, QUESTION);
        assert_eq!(heard(&good), Some(Heard::Whole(good.clone())));
        for (what, datagram, wanted) in [
            ("cut", datagram(0x82, 1, QUESTION), Some(Heard::Doubtful)),
            ("other case", datagram(0x80, 1, &QUESTION.to_ascii_lowercase()), Some(Heard::Doubtful)),
            ("no question", datagram(0x80, 0, b""), Some(Heard::Doubtful)),
            ("other name", datagram(0x80, 1, b"\x01B\x07eXample\x00\x00\x01\x00\x01"), None),
            ("other type", datagram(0x80, 1, b"\x01A\x07eXample\x00\x00\x1c\x00\x01"), None),
            ("two questions", datagram(0x80, 2, &[QUESTION, QUESTION].concat()), None),
            ("cut off", datagram(0x80, 1, &QUESTION[..9]), None),
        ] {
            assert_eq!(heard(&datagram), wanted, "{what}");
        }
    }

    #[tokio::test]
    async fn an_id_is_taken_while_somebody_waits_and_free_when_they_leave() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = silent.local_addr().unwrap();
        let (lines, query) = (Lines::default(), datagram(0, 1, QUESTION));
        let mut first = Box::pin(lines.ask(server, &query, query.len()));
        assert!(poll!(&mut first).is_pending());
        let second = lines.ask(server, &query, query.len()).now_or_never();
        assert!(matches!(second, Some(Ok(None))), "{second:?}");
        drop(first);
        assert!(poll!(Box::pin(lines.ask(server, &query, query.len()))).is_pending());
    }

    #[tokio::test]
    async fn only_the_server_that_was_asked_is_heard() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (lines, query) = (Lines::default(), datagram(0, 1, QUESTION));
        let asks = lines.ask(server.local_addr().unwrap(), &query, query.len());
        let answers = async {
            let (_, asker) = server.recv_from(&mut [0; 512]).await.unwrap();
            let forged = [datagram(0x80, 1, QUESTION), b"forged".to_vec()].concat();
            other.send_to(&forged, asker).await.unwrap();
            // A question with our id is no answer either.
            server.send_to(&query, asker).await.unwrap();
            server.send_to(&datagram(0x80, 1, QUESTION), asker).await.unwrap();
        };
        let (heard, ()) = tokio::join!(asks, answers);
        assert_eq!(heard.unwrap(), Some(Heard::Whole(datagram(0x80, 1, QUESTION))));
    }

    #[tokio::test]
    async fn a_socket_is_given_up_after_its_share_of_questions() {
        let lines = Lines::default();
        let server = "127.0.0.1:9".parse().unwrap();
        let first = lines.line(server, 0).unwrap();
        assert!(Arc::ptr_eq(&first, &lines.line(server, 0).unwrap()));
        first.questions.store(MAX_QUESTIONS, Ordering::Relaxed);
        let second = lines.line(server, 0).unwrap();
        let port = |line: &Line| line.shared.socket.local_addr().unwrap().port();
        assert_ne!(port(&first), port(&second));
        assert_eq!(Arc::strong_count(&first), 1, "only those who wait on it still hold it");
    }
}
