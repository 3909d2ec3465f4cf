//! What tests share: databases of both kinds, a real name server, a real mail server.

pub mod api;
pub mod app;
pub mod database;
pub mod knot;
mod port;
pub mod postfix;
mod postgres;
pub mod services;

pub use api::Api;
pub use app::App;
pub use database::{Database, on_each_database};
pub use knot::Knot;
pub use postfix::Postfix;
