//! The one binary, `lockstep`: configuration, wiring, HTTP, worker loop, subcommands, telemetry.

pub mod command;
pub mod config;
pub mod demo;
pub mod exit;
pub mod http;
pub mod output;
pub mod schedule;
pub mod telemetry;
pub mod wiring;
