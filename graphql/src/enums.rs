//! The closed lists of the field, as GraphQL enums that mirror the stored ones.

mod case;
mod marking;
mod observable;
mod party;

pub use self::{
    case::{
        Authority, Channel, ClusterChangeKind, ClusterRulingKind, NoticeState, PivotRuling, TaskState,
        Verdict,
    },
    marking::{GradingScale, Handling, Pap, Tlp},
    observable::{FactKind, LineVerdict, LinkKind, ObservableKind, ObservableState, Probe, Role},
    party::{ActorRole, ClaimField, PartyKind, Standing},
};

/// Mirrors a stored enum: the same members in the same order, each way without loss.
macro_rules! mirror {
    ($(#[$doc:meta])* $from:ident :: $name:ident { $($(#[$vdoc:meta])* $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl From<$from::$name> for $name {
            fn from(stored: $from::$name) -> Self {
                match stored { $($from::$name::$variant => Self::$variant,)+ }
            }
        }

        impl From<$name> for $from::$name {
            fn from(given: $name) -> Self {
                match given { $($name::$variant => Self::$variant,)+ }
            }
        }
    };
}

pub(crate) use mirror;
