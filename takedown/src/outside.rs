//! Outside: the ports to the DNS, the registries and the routing table, and nothing of ours behind them.
//!
//! No port asks whether it may: only `observe` calls them, after `access::may_probe` (PAP) said yes.

pub mod dns;
pub mod global;
pub mod limiter;
