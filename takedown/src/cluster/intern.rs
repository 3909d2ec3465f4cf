//! Texts as numbers: each distinct text is kept once, in one piece of memory.

use std::hash::{BuildHasher, RandomState};

/// Distinct texts, numbered by their first appearance.
#[derive(Debug)]
pub struct Interner {
    /// `tag << 32 | number`, open addressing; a tag spares most comparisons.
    table: Vec<u64>,
    text: String,
    ends: Vec<usize>,
    /// What a batch is known of so far: hash, then entry.
    batch: Vec<(u64, u64)>,
    /// Keyed anew in each process, so that a hostile file cannot make every text collide.
    hasher: RandomState,
}

const EMPTY: u64 = u64::MAX;

/// Texts that are looked up together.
const BATCH: usize = 64;

impl Default for Interner {
    fn default() -> Self {
        Self {
            table: vec![EMPTY; 1 << 10],
            text: String::new(),
            ends: Vec::new(),
            batch: Vec::new(),
            hasher: RandomState::new(),
        }
    }
}

impl Interner {
    /// The text's number; a new one if it was not there.
    ///
    /// # Panics
    /// Never: the table always has room. There can be at most `u32::MAX - 1` texts, which callers bound.
    pub fn number(&mut self, text: &str) -> u32 {
        if (self.ends.len() + 1) * 4 > self.table.len() * 3 {
            self.grow();
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let entry = self.table[at];
            if entry == EMPTY {
                let number = self.ends.len() as u32;
                self.table[at] = (hash >> 32 << 32) | u64::from(number);
                self.text.push_str(text);
                self.ends.push(self.text.len());
                return number;
            }
            if entry >> 32 == hash >> 32 && self.get(entry as u32) == text {
                return entry as u32;
            }
            at = (at + 1) & mask;
        }
    }

    /// The numbers of many texts, as [`Interner::number`] gives them. Each step is done for all texts before the
    /// next, so that the processor waits for memory once for many texts and not for each.
    pub fn numbers(&mut self, texts: &[&str], numbers: &mut Vec<u32>) {
        while (self.ends.len() + texts.len()) * 4 > self.table.len() * 3 {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        batch.extend(texts.iter().map(|text| (self.hasher.hash_one(text.as_bytes()), 0)));
        for (hash, entry) in &mut batch {
            *entry = self.table[*hash as usize & mask];
        }
        numbers.clear();
        // Where the likely text lies.
        let mut spans = [(0usize, 0usize); BATCH];
        for (part, texts) in batch.chunks(BATCH).zip(texts.chunks(BATCH)) {
            for ((hash, entry), span) in part.iter().zip(&mut spans) {
                let likely = *entry != EMPTY && entry >> 32 == hash >> 32;
                *span = if likely { self.span(*entry as u32) } else { (1, 0) };
            }
            for (((_, entry), text), (from, to)) in part.iter().zip(texts).zip(&spans) {
                let known = self.text.as_bytes().get(*from..*to) == Some(text.as_bytes());
                let number = if known { *entry as u32 } else { self.number(text) };
                numbers.push(number);
            }
        }
        self.batch = batch;
    }

    fn span(&self, number: u32) -> (usize, usize) {
        let number = number as usize;
        let from = if number == 0 { 0 } else { self.ends[number - 1] };
        (from, self.ends[number])
    }

    /// The text with that number; empty if there is none.
    pub fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends.get(number - 1).copied().unwrap_or(0) };
        self.ends.get(number).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }

    /// How many texts there are.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    fn grow(&mut self) {
        let size = self.table.len() * 2;
        let mut table = vec![EMPTY; size];
        for number in 0..self.ends.len() as u32 {
            let hash = self.hasher.hash_one(self.get(number).as_bytes());
            let mut at = hash as usize & (size - 1);
            while table[at] != EMPTY {
                at = (at + 1) & (size - 1);
            }
            table[at] = (hash >> 32 << 32) | u64::from(number);
        }
        self.table = table;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number() {
        let mut texts = Interner::default();
        let numbers: Vec<u32> = (0..5_000).map(|at| texts.number(&format!("name-{}", at % 2_500))).collect();
        assert_eq!(texts.len(), 2_500);
        assert_eq!(numbers[..2_500], numbers[2_500..]);
        assert_eq!(texts.get(numbers[7]), "name-7");
        assert_eq!(texts.get(99_999), "");
        let again: Vec<String> = (0..3_000).map(|at| format!("name-{at}")).collect();
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        let mut many = Vec::new();
        texts.numbers(&again, &mut many);
        assert_eq!(many[..2_500], numbers[..2_500]);
        assert_eq!(texts.len(), 3_000);
    }
}
