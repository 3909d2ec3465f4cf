//! The life of a notice: drafted, approved, on its way, sent; or failed, or withdrawn. Pure.

use entities::NoticeState;

use crate::error::Error;

/// What happens to a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A second person says yes.
    Approve,
    /// The second check passed; the mail is about to leave.
    Begin,
    /// The recipient's server took it.
    Send,
    /// It cannot be sent.
    Fail,
    /// A person, or the second check, takes it back.
    Withdraw,
}

/// The state that `event` leads to.
///
/// # Errors
/// [`Error::Conflict`]: the event has no meaning in this state.
pub fn next(from: NoticeState, event: Event) -> Result<NoticeState, Error> {
    use NoticeState::{Approved, Draft, Failed, Queued, Sent, Withdrawn};
    match (from, event) {
        (Draft, Event::Approve) => Ok(Approved),
        (Approved | Queued, Event::Begin) => Ok(Queued),
        (Queued, Event::Send) => Ok(Sent),
        (Queued, Event::Fail) => Ok(Failed),
        // What is on its way may have left: it can no longer be taken back.
        (Draft | Approved, Event::Withdraw) => Ok(Withdrawn),
        (Draft | Approved | Queued | Sent | Failed | Withdrawn, _) => Err(Error::Conflict {
            from: format!("the notice is {from}"),
            event: format!("`{event:?}`").to_lowercase(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lawful_steps_are_possible() {
        let events = [Event::Approve, Event::Begin, Event::Send, Event::Fail, Event::Withdraw];
        let mut table = String::new();
        for from in NoticeState::ALL {
            let led: Vec<String> = events
                .into_iter()
                .filter_map(|event| next(*from, event).ok().map(|to| format!("{event:?} → {to}")))
                .collect();
            table += &format!("{from}: {}\n", led.join(", "));
        }
        insta::assert_snapshot!(table, @r"
        draft: Approve → approved, Withdraw → withdrawn
        approved: Begin → queued, Withdraw → withdrawn
        queued: Begin → queued, Send → sent, Fail → failed
        sent: 
        failed: 
        withdrawn: 
        ");
    }
}
