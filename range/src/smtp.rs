//! A mail receiver (RFC 5321) on loopback: takes mail for the mailboxes of the range and nothing else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::internet::Internet;
use crate::mailbox::Mailboxes;
use crate::smtp_session::Session;

/// Most connections at a time.
const MAX_CONNECTIONS: usize = 64;
/// A session that says nothing for so long is ended.
const IDLE: Duration = Duration::from_secs(60);

/// Starts the receiver on a free port of 127.0.0.1; it runs until the token is cancelled.
pub(crate) async fn start(
    net: Arc<Internet>,
    mailboxes: Arc<Mailboxes>,
    stop: CancellationToken,
    tasks: &TaskTracker,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let sessions = tasks.clone();
    tasks.spawn(async move {
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let stream = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::debug!(%error, "mail receiver of the range could not accept");
                        continue;
                    }
                },
            };
            let Ok(permit) = room.clone().try_acquire_owned() else {
                // Too many sessions: the close is the answer.
                continue;
            };
            let session = Session::new(net.clone(), mailboxes.clone());
            let stop = stop.clone();
            sessions.spawn(async move {
                let _permit = permit;
                tokio::select! {
                    () = stop.cancelled() => {}
                    end = talk(stream, session) => if let Err(error) = end {
                        tracing::debug!(%error, "mail session of the range broke off");
                    },
                }
            });
        }
    });
    Ok(address)
}

/// Reads what the client says and writes what the session answers, until either has had enough.
async fn talk(mut stream: TcpStream, mut session: Session) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 mail.range.example ESMTP\r\n").await?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = match timeout(IDLE, stream.read(&mut buffer)).await {
            Ok(read) => read?,
            Err(_) => return stream.write_all(b"421 4.4.2 you were silent for too long\r\n").await,
        };
        if read == 0 {
            return Ok(());
        }
        let mut answers = Vec::new();
        session.take(&buffer[..read], &mut answers);
        stream.write_all(&answers).await?;
        if session.ended {
            return stream.shutdown().await;
        }
    }
}
