//! What may be looked up where the other side could notice, and what may leave.

use entities::{Pap, Tlp};

use super::{Action, forbidden};
use crate::error::Error;

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

/// May content marked `tlp` and `pap` leave to `recipient`? A notice tells the provider, and through it perhaps
/// the actor, that somebody looks: PAP must allow an active step.
///
/// # Errors
/// [`Error::Forbidden`] with the marking that stops it.
pub fn may_leave(tlp: Tlp, pap: Pap, recipient: Recipient) -> Result<(), Error> {
    let Recipient::Desk = recipient;
    if tlp > Tlp::Clear {
        return forbidden(
            Action::SendNotice,
            format!(
                "it is marked TLP:{}: the originator must release it for this desk",
                tlp.as_str().to_uppercase()
            ),
        );
    }
    if pap > Pap::Green {
        return forbidden(
            Action::SendNotice,
            format!("it is marked PAP:{}: no active step is allowed", pap.as_str().to_uppercase()),
        );
    }
    Ok(())
}
