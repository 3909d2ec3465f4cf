//! What was fetched a short while ago, bounded in time, entries and bytes.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::fetch::Fetched;

/// How many answers are kept at most.
const MAX_ENTRIES: usize = 4096;
/// How many bytes of bodies are kept at most.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Answers by the address asked, oldest forgotten first.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<String, (Instant, Arc<Fetched>)>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Cache {
    /// The answer for `url`, if it is still good at `now`.
    pub fn get(&self, url: &str, now: Instant) -> Option<Arc<Fetched>> {
        let (until, fetched) = self.entries.get(url)?;
        (now < *until).then(|| Arc::clone(fetched))
    }

    /// Keeps an answer for `ttl`.
    pub fn put(&mut self, url: String, fetched: Arc<Fetched>, now: Instant, ttl: Duration) {
        if ttl.is_zero() {
            return;
        }
        self.bytes += size(&fetched);
        if let Some((_, old)) = self.entries.insert(url.clone(), (now + ttl, fetched)) {
            self.bytes -= size(&old);
            self.order.retain(|known| *known != url);
        }
        self.order.push_back(url);
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some((_, old)) = self.entries.remove(&oldest) {
                self.bytes -= size(&old);
            }
        }
    }
}

fn size(fetched: &Fetched) -> usize {
    fetched.body.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(bytes: usize) -> Arc<Fetched> {
        let url = "https://rdap.example/".parse().unwrap();
        Arc::new(Fetched { url, server: String::new(), body: Some(vec![0; bytes]) })
    }

    #[test]
    fn bounded_in_time_entries_and_bytes() {
        let (mut cache, now, ttl) = (Cache::default(), Instant::now(), Duration::from_secs(10));
        cache.put("a".to_owned(), fetched(1), now, ttl);
        assert!(cache.get("a", now + ttl / 2).is_some());
        assert!(cache.get("a", now + ttl).is_none());
        for n in 0..2 * MAX_ENTRIES {
            cache.put(format!("u{n}"), fetched(1), now, ttl);
        }
        assert_eq!(
            (cache.entries.len(), cache.order.len(), cache.bytes),
            (MAX_ENTRIES, MAX_ENTRIES, MAX_ENTRIES)
        );
        for _ in 0..100 {
            cache.put("big".to_owned(), fetched(MAX_BYTES / 2), now, ttl);
        }
        assert!(cache.bytes <= MAX_BYTES && cache.get("big", now).is_some());
        cache.put("never".to_owned(), fetched(1), now, Duration::ZERO);
        assert!(cache.get("never", now).is_none());
    }
}
