//! Ports for services that cannot be told to take any free one.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use anyhow::{Context, Result};

/// A loopback port that is free for TCP and for UDP at this moment. Someone else may take it before the service
/// does, so starting a service is tried again with another.
///
/// # Errors
/// No port was free for both.
pub fn free() -> Result<u16> {
    (0..50)
        .find_map(|_| {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
            let port = tcp.local_addr().ok()?.port();
            UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_| port)
        })
        .context("no loopback port is free for both TCP and UDP")
}
