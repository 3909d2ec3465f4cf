//! A real mail server (Postfix) on loopback that delivers to Maildirs, so that our mail is judged by another's server.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, File, Permissions},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
};

use crate::{port, services};

/// How long it may take until it greets.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long a message that was accepted may take to its mailbox.
const DELIVERED_WITHIN: Duration = Duration::from_secs(20);

/// Runs `$0 -c $1 start-fg`, and stops it when standard input ends: its daemons leave the process group, so that a
/// test which is killed for hanging would otherwise leave them behind.
const RUN: &str = r#"
exec 3<&0
( trap '' HUP INT TERM; cat <&3; exec "$0" -c "$1" abort ) >/dev/null 2>&1 &
"$0" -c "$1" start-fg
"#;

/// How long it may take to stop.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A running mail server with its own configuration, queue and mailboxes. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Postfix {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Postfix {
    /// Accepts mail for these addresses and no other, without TLS or log-in, on a free port. An unknown user of their
    /// domains is refused with 550, any other domain with 554. `None`, said loudly, when Postfix is not installed or
    /// the tests do not run as root, which it needs.
    ///
    /// # Errors
    /// The server did not start, an address is not `user@domain`, or it is missing and the run demands it.
    pub async fn start(addresses: &[&str]) -> Result<Option<Self>> {
        let Some(program) = services::program("postfix") else {
            services::skip("a test with a real mail server: postfix is not installed")?;
            return Ok(None);
        };
        if number("-u", &[])? != 0 {
            services::skip("a test with a real mail server: postfix starts only as root")?;
            return Ok(None);
        }
        // Another process may take the port between its choice and its use.
        let mut last = None;
        for _ in 0..3 {
            match Self::try_start(&program, addresses).await {
                Ok(postfix) => return Ok(Some(postfix)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("postfix was never tried")?)
    }

    /// Where it speaks SMTP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The messages in the mailbox of `recipient` as they were delivered, in order of arrival, once there are
    /// `count` of them.
    ///
    /// # Errors
    /// Fewer arrived within 20 s.
    pub async fn delivered(&self, recipient: &str, count: usize) -> Result<Vec<Vec<u8>>> {
        let started = Instant::now();
        loop {
            let messages = self.mailbox(recipient)?;
            if messages.len() >= count {
                return Ok(messages);
            }
            if started.elapsed() > DELIVERED_WITHIN {
                bail!("{} of {count} messages arrived: {}", messages.len(), self.log());
            }
            // The mailbox is another process's folder: there is nothing to wait on but its contents.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The messages that are in the mailbox of `recipient` now.
    ///
    /// # Errors
    /// The address has no `@`, or the mailbox cannot be read.
    pub fn mailbox(&self, recipient: &str) -> Result<Vec<Vec<u8>>> {
        let (user, domain) = split(recipient)?;
        let folder = self.folder.path().join("mail").join(domain).join(user).join("new");
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut files = fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        // A Maildir name begins with the seconds and microseconds of its arrival.
        files.sort();
        files.iter().map(|file| fs::read(file).map_err(Into::into)).collect()
    }

    async fn try_start(program: &Path, addresses: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
        lay_out(folder.path(), address, addresses)?;
        let output = File::create(folder.path().join("output.log"))?;
        let process = Command::new("sh")
            .args(["-c", RUN])
            .arg(program)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("starting postfix")?;
        let mut postfix = Self { process, address, folder };
        postfix.wait_until_it_greets().await?;
        Ok(postfix)
    }

    async fn wait_until_it_greets(&mut self) -> Result<()> {
        let started = Instant::now();
        while !greets(self.address).await.unwrap_or(false) {
            if let Some(status) = self.process.try_wait()? {
                bail!("postfix ended ({status}): {}", self.log());
            }
            if started.elapsed() > READY_WITHIN {
                bail!("postfix does not greet: {}", self.log());
            }
            // A refused connection comes back at once; this keeps the wait from being a busy loop.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn log(&self) -> String {
        let log = |name| services::tail(&self.folder.path().join(name));
        format!("{}\n{}", log("output.log"), log("mail.log"))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let started = Instant::now();
        while started.elapsed() < STOPPED_WITHIN && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The parts of `user@domain`.
fn split(address: &str) -> Result<(&str, &str)> {
    address.split_once('@').with_context(|| format!("{address} is not user@domain"))
}

/// Writes the configuration and the folders, with the owners that Postfix insists on.
fn lay_out(folder: &Path, listen: SocketAddr, addresses: &[&str]) -> Result<()> {
    let base = folder.display();
    let (mail_user, mail_group) = (number("-u", &["nobody"])?, number("-g", &["nobody"])?);
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for (name, owner) in [("queue", 0), ("data", number("-u", &["postfix"])?), ("mail", mail_user)] {
        fs::create_dir(folder.join(name))?;
        chown(folder.join(name), Some(owner), None)?;
    }
    // One Maildir per address: mail/DOMAIN/USER/.
    let (mut mailboxes, mut domains) = (String::new(), BTreeSet::new());
    for address in addresses {
        let (user, domain) = split(address)?;
        writeln!(mailboxes, "{address} {domain}/{user}/")?;
        domains.insert(domain);
    }
    let domains = domains.into_iter().collect::<Vec<_>>().join(", ");
    fs::write(folder.join("mailboxes"), mailboxes)?;
    fs::write(
        folder.join("main.cf"),
        format!(
            "compatibility_level = 3.6\n\
             queue_directory = {base}/queue\n\
             data_directory = {base}/data\n\
             maillog_file = {base}/mail.log\n\
             maillog_file_prefixes = {base}\n\
             myhostname = mx.test.example\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             mydestination =\n\
             alias_maps =\n\
             virtual_mailbox_domains = {domains}\n\
             virtual_mailbox_base = {base}/mail\n\
             virtual_mailbox_maps = texthash:{base}/mailboxes\n\
             virtual_mailbox_limit = 0\n\
             virtual_minimum_uid = 1\n\
             virtual_uid_maps = static:{mail_user}\n\
             virtual_gid_maps = static:{mail_group}\n\
             smtpd_relay_restrictions = reject_unauth_destination\n\
             smtpd_peername_lookup = no\n\
             default_transport = error:nothing leaves this machine\n\
             relay_transport = error:nothing leaves this machine\n\
             notify_classes =\n"
        ),
    )?;
    let services = format!(
        "127.0.0.1:{} inet n - n - - smtpd\n\
         cleanup unix n - n - 0 cleanup\n\
         qmgr unix n - n 300 1 qmgr\n\
         rewrite unix - - n - - trivial-rewrite\n\
         bounce unix - - n - 0 bounce\n\
         defer unix - - n - 0 bounce\n\
         trace unix - - n - 0 bounce\n\
         error unix - - n - - error\n\
         retry unix - - n - - error\n\
         proxymap unix - - n - - proxymap\n\
         virtual unix - n n - - virtual\n\
         anvil unix - - n - 1 anvil\n\
         postlog unix-dgram n - n - 1 postlogd\n",
        listen.port(),
    );
    fs::write(folder.join("master.cf"), services)?;
    Ok(())
}

/// A user's or group's number, by `id`; without a name, of this process.
fn number(flag: &str, user: &[&str]) -> Result<u32> {
    let output = Command::new("id").arg(flag).args(user).output().context("running id")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("id {flag} {user:?} says {text:?}"))
}

/// Whether an SMTP server at `address` says that it is ready (RFC 5321, section 3.1).
async fn greets(address: SocketAddr) -> Result<bool> {
    let greeting = async {
        let mut line = String::new();
        BufReader::new(TcpStream::connect(address).await?).read_line(&mut line).await?;
        Ok::<_, std::io::Error>(line)
    };
    Ok(tokio::time::timeout(Duration::from_secs(5), greeting).await??.starts_with("220 "))
}
