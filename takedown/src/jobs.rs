//! The registry of job kinds: one line each.

use entities::job;

use crate::{
    env::Env,
    job::{
        Job,
        kinds::{
            DraftNotices, ObserveDue, ReadRegistrations, Recluster, RefreshSessions, SendNotice, SendWaiting,
            SignCheckpoint, TidyPeople, VerifyDue,
        },
        worker::{Running, run_as},
    },
};

macro_rules! registry {
    ($($kind:ty,)*) => {
        /// Runs the job that a row describes; `None` for a name that this binary does not know.
        pub fn dispatch<'a>(
            row: &'a job::Model,
            env: &'a Env,
        ) -> Running<'a> {
            Box::pin(async move {
                match row.name.as_str() {
                    $(<$kind>::NAME => Some(run_as::<$kind>(row, env).await),)*
                    _ => None,
                }
            })
        }

        /// How often a job of that name is begun before it is given up.
        pub fn max_attempts(name: &str) -> i32 {
            match name {
                $(<$kind>::NAME => <$kind>::MAX_ATTEMPTS,)*
                _ => 1,
            }
        }
    };
}

registry! {
    ObserveDue,
    ReadRegistrations,
    Recluster,
    DraftNotices,
    SendNotice,
    SendWaiting,
    VerifyDue,
    SignCheckpoint,
    RefreshSessions,
    TidyPeople,
}
