//! The work: the stages of the road in order, and beside it access, errors, audit, jobs, and the outside ports.

pub mod intake {
    //! Intake: a list, report or bundle becomes sightings of observables.
    pub mod entry;
}
pub mod observe {
    //! Observe: what the DNS, the registries and the routing table say, and what changed.
    pub mod reading;
}
