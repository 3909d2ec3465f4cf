//! Signing in with a provider that does everything wrong that one can do; the real one is in `tests/outside`.

mod down;
mod enter;
mod forged;
mod forger;
mod going_on;
mod leaving;
mod world;

use entities::ActorRole;
use takedown::actor::Actor;

use self::world::End;

fn root() -> Actor {
    Actor::person("root", ActorRole::Admin)
}

fn out(code: &str) -> End {
    End::Out(code.into())
}
