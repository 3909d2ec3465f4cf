//! A real authoritative name server (Knot DNS) on loopback, so that our look-ups are judged by another's answers.

use std::{
    fmt::Write as _,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RecordType},
};
use tempfile::TempDir;
use tokio::net::UdpSocket;

use crate::{port, services};

/// How long it may take until the first zone is answered for.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running name server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Knot {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Knot {
    /// Serves the zones, each a name (`example.`) and its text in zone file form (RFC 1035, section 5), over UDP and
    /// TCP on one free port, and waits until they are answered for. `None`, said loudly, when `knotd` is not installed.
    ///
    /// # Errors
    /// The server did not start or refused a zone, or it is not installed and the run demands it.
    pub async fn start(zones: &[(&str, &str)]) -> Result<Option<Self>> {
        let Some(program) = services::program("knotd") else {
            services::skip("a test with a real name server: knotd is not installed")?;
            return Ok(None);
        };
        // Another process may take the port between its choice and its use.
        let mut last = None;
        for _ in 0..5 {
            match Self::try_start(&program, zones).await {
                Ok(knot) => return Ok(Some(knot)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("knotd was never tried")?)
    }

    /// Where it listens, UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    async fn try_start(program: &Path, zones: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
        let file = folder.path().join("knot.conf");
        fs::write(&file, configuration(folder.path(), address, zones)?)?;
        let log = File::create(folder.path().join("knot.log"))?;
        let process = Command::new(program)
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting knotd")?;
        let mut knot = Self { process, address, folder };
        for (name, _) in zones {
            knot.wait_for(name).await?;
        }
        Ok(knot)
    }

    /// Asks for the zone's SOA until it is answered with authority.
    async fn wait_for(&mut self, zone: &str) -> Result<()> {
        let started = Instant::now();
        let zone = Name::from_ascii(zone).with_context(|| format!("the zone name {zone}"))?;
        loop {
            if let Some(status) = self.process.try_wait()? {
                bail!("knotd ended ({status}): {}", self.log());
            }
            if answers(self.address, &zone).await.unwrap_or(false) {
                return Ok(());
            }
            if started.elapsed() > READY_WITHIN {
                bail!("knotd does not answer for {zone}: {}", self.log());
            }
            // A refused datagram comes back at once; this keeps the wait from being a busy loop.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> String {
        services::tail(&self.folder.path().join("knot.log"))
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        // It keeps nothing that a clean stop would save.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(folder: &Path, address: SocketAddr, zones: &[(&str, &str)]) -> Result<String> {
    let base = folder.display();
    let mut text = format!(
        "server:\n    listen: {}@{}\n    rundir: {base}\n    udp-workers: 1\n    tcp-workers: 1\n    \
         background-workers: 1\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n    storage: {base}/db\n\
         template:\n  - id: default\n    storage: {base}\n    zonefile-sync: -1\n    journal-content: none\n\
         zone:\n",
        address.ip(),
        address.port(),
    );
    for (number, (name, zone)) in zones.iter().enumerate() {
        fs::write(folder.join(format!("{number}.zone")), zone)?;
        writeln!(text, "  - domain: \"{name}\"\n    file: {number}.zone")?;
    }
    Ok(text)
}

/// Whether the server at `address` answers the zone's SOA with authority.
async fn answers(address: SocketAddr, zone: &Name) -> Result<bool> {
    let mut query = Message::new(1, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(zone.clone(), RecordType::SOA));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(address).await?;
    socket.send(&query.to_vec()?).await?;
    let mut buffer = [0; 4096];
    let length = tokio::time::timeout(Duration::from_millis(500), socket.recv(&mut buffer)).await??;
    let answer = Message::from_vec(&buffer[..length])?;
    Ok(answer.metadata.authoritative
        && answer.metadata.response_code == ResponseCode::NoError
        && !answer.answers.is_empty())
}
