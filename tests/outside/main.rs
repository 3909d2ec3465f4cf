//! The suites of others against the running server: what they say counts, not what we think of ourselves. They come
//! from npm, pinned in package-lock.json here; `scripts/setup --for test` installs them.

mod browser;
mod differential;
mod leaving;
mod lint;
mod oidc;
mod operations;
mod protocol;
mod rows;
mod running;
mod statements;
mod subscriptions;
