//! flows
fn main() {}
