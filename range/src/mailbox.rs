//! Mailboxes of the range: they keep everything they get.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

/// All mailboxes together keep at most so many bytes; then the range says that it is full.
const MAX_BYTES: usize = 512 * 1024 * 1024;

/// A message in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its place in the mailbox, from 0.
    pub number: usize,
    /// When it arrived, by the range's clock.
    pub received_at: OffsetDateTime,
    /// Sender of the envelope; empty for a bounce.
    pub from: String,
    /// Recipients of the envelope that the range accepted.
    pub to: Vec<String>,
    /// The message as it came, dots unstuffed.
    pub raw: Arc<[u8]>,
}

/// Why a message was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// The mailboxes, by address in lower case.
pub(crate) struct Mailboxes {
    boxes: Mutex<Boxes>,
}

struct Boxes {
    by_address: BTreeMap<String, Vec<Mail>>,
    bytes: usize,
}

impl Mailboxes {
    /// Opens empty mailboxes for these addresses.
    pub(crate) fn new(addresses: impl IntoIterator<Item = String>) -> Self {
        let by_address = addresses.into_iter().map(|a| (a.to_ascii_lowercase(), Vec::new())).collect();
        Self { boxes: Mutex::new(Boxes { by_address, bytes: 0 }) }
    }

    /// Whether there is such a mailbox; letter case does not matter.
    pub(crate) fn knows(&self, address: &str) -> bool {
        self.lock().by_address.contains_key(&address.to_ascii_lowercase())
    }

    /// Puts a message into the mailbox of each recipient.
    pub(crate) fn deliver(
        &self,
        from: &str,
        to: &[String],
        raw: &[u8],
        received_at: OffsetDateTime,
    ) -> Result<(), Full> {
        let mut boxes = self.lock();
        if boxes.bytes + raw.len() > MAX_BYTES {
            return Err(Full);
        }
        boxes.bytes += raw.len();
        let raw: Arc<[u8]> = raw.into();
        for address in to {
            if let Some(mails) = boxes.by_address.get_mut(&address.to_ascii_lowercase()) {
                let (from, to, raw) = (from.to_owned(), to.to_vec(), raw.clone());
                mails.push(Mail { number: mails.len(), received_at, from, to, raw });
            }
        }
        Ok(())
    }

    /// What is in a mailbox from message number `first` on, oldest first; nothing for an unknown address.
    pub(crate) fn read(&self, address: &str, first: usize) -> Vec<Mail> {
        let boxes = self.lock();
        let mails = boxes.by_address.get(&address.to_ascii_lowercase());
        mails.and_then(|m| m.get(first..)).map(<[Mail]>::to_vec).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Boxes> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
