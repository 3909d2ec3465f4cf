//! What may be looked up where the other side could notice, and what may leave.

use entities::{Handling, Pap, Tlp};

use super::{Action, forbidden};
use crate::{error::Error, marking::Marking};

/// How visible a look-up is to the actor behind the infrastructure (reference/domain.md §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only our own tables are read.
    Own,
    /// A neutral third party is asked: a registry's or RIR's RDAP, a parent zone's server.
    ThirdParty,
    /// The actor may notice: a recursion that ends at the actor's name server, a registrar's or reseller's
    /// RDAP, a connection.
    Actor,
}

/// May something marked `pap` be looked up with that reach? `pap` is the most restrictive of its sightings.
///
/// # Errors
/// [`Error::Forbidden`] with the marking that stops it.
pub fn may_probe(pap: Pap, reach: Reach) -> Result<(), Error> {
    let most_restrictive_allowed = match reach {
        Reach::Own => Pap::Red,
        Reach::ThirdParty => Pap::Amber,
        Reach::Actor => Pap::Green,
    };
    if pap <= most_restrictive_allowed {
        return Ok(());
    }
    forbidden(
        Action::Observe,
        format!("it is marked PAP:{} and this look-up could be noticed", pap.as_str().to_uppercase()),
    )
}

/// Who would receive something that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A provider's desk: neither our organisation nor our client (reference/domain.md §7.1).
    Desk,
}

/// May content with that marking leave to `recipient`? A notice tells the provider, and through it perhaps the actor, that
/// somebody looks: PAP must allow an active step. Handling codes from H2 on bar every exit (reference/domain.md §7.3).
///
/// # Errors
/// [`Error::Forbidden`] with the marking that stops it.
pub fn may_leave(marking: Marking, recipient: Recipient) -> Result<(), Error> {
    let Recipient::Desk = recipient;
    let stopped = |label: String, why: &str| {
        forbidden(Action::SendNotice, format!("it is marked {}: {why}", label.to_uppercase()))
    };
    if marking.handling >= Handling::H2 {
        return stopped(marking.handling.to_string(), "its provider must permit that it is passed on");
    }
    if marking.tlp > Tlp::Clear {
        return stopped(format!("tlp:{}", marking.tlp), "the originator must release it for this desk");
    }
    if marking.pap > Pap::Green {
        return stopped(format!("pap:{}", marking.pap), "no active step is allowed");
    }
    Ok(())
}
