//! What is known of a population of names, ready for grouping: who holds which value, who is tied to whom, who
//! was registered when. The outcome does not depend on the order in which it was told.

use std::collections::HashMap;

use super::{
    intern::Interner,
    kind::{Meaning, PivotKind, is_placeholder, meaning},
    moment::Moment,
};

/// That a name has a value: kind, text, name.
type Held = (u16, u32, u32);

/// Names, what they share and when they were registered.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// The names, in order.
    pub names: Vec<Box<str>>,
    /// Kinds as they were told, with what they are to us.
    pub kinds: Vec<(String, PivotKind)>,
    /// Values that two or more names hold, by kind and value.
    pub pivots: Vec<Pivot>,
    /// Who holds them: for each pivot its names, in order.
    pub holders: Vec<u32>,
    /// Asserted ties between two names, each once: the smaller first.
    pub links: Vec<(u32, u32, u16)>,
    /// When each name was registered, with the registrar's number (0: not told).
    pub registered: Vec<Option<(Moment, u32)>>,
    /// The name-server set of each name, as a pivot; `u32::MAX` if nobody shares it.
    pub servers: Vec<u32>,
    /// Rows that said nothing: placeholders, states.
    pub silent: usize,
    /// Which names are here for their registrations only, which tell how busy registrars were; empty if none is.
    pub beside: Vec<bool>,
}

/// A value that names share.
#[derive(Clone, Debug)]
pub struct Pivot {
    /// Its kind, by number.
    pub kind: u16,
    /// The value.
    pub value: Box<str>,
    /// Where its holders start in [`Features::holders`].
    pub from: usize,
    /// Where they end.
    pub to: usize,
    /// How many names hold it, those that are not here too.
    pub shared_by: usize,
    /// Whether a person trusts it: it says much, however many hold it.
    pub trusted: bool,
}

impl Features {
    /// The names that hold a pivot.
    pub fn holders_of(&self, pivot: &Pivot) -> &[u32] {
        self.holders.get(pivot.from..pivot.to).unwrap_or_default()
    }

    /// Lets a pivot say nothing. It keeps its place, since [`Features::servers`] counts by places.
    pub fn silence(&mut self, at: usize) {
        let Some(pivot) = self.pivots.get_mut(at) else { return };
        (pivot.to, pivot.shared_by) = (pivot.from, 0);
        for set in self.servers.iter_mut().filter(|set| **set as usize == at) {
            *set = u32::MAX;
        }
    }

    /// The kind and the value of a pivot, as they are stored.
    pub fn key(&self, pivot: &Pivot) -> (String, String) {
        (self.pivot_kind(pivot.kind).as_str().to_owned(), pivot.value.to_string())
    }

    /// Whether a name is here for its registration only.
    pub fn is_beside(&self, name: u32) -> bool {
        self.beside.get(name as usize).copied().unwrap_or(false)
    }

    /// What a kind is to us.
    pub fn pivot_kind(&self, kind: u16) -> PivotKind {
        self.kinds.get(usize::from(kind)).map_or(PivotKind::Other, |(_, pivot)| *pivot)
    }
}

/// Collects what is told, in any order.
#[derive(Debug, Default)]
pub struct Collector {
    texts: Interner,
    /// Which texts are names.
    is_name: Vec<bool>,
    kinds: Vec<(String, Meaning)>,
    kind_numbers: HashMap<String, u16>,
    rows: Vec<(u32, u32, u16)>,
    /// When a registrar's row says that it held since, by name.
    dates: Vec<(u32, Moment)>,
    silent: usize,
    /// Kept between batches for its memory.
    numbers: Vec<u32>,
}

/// What one row tells.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The name.
    pub name: &'a str,
    /// The kind, by number.
    pub kind: u16,
    /// The value.
    pub value: &'a str,
    /// Since when, if that is told.
    pub since: Option<Moment>,
    /// Whether the value is a name too: both are ends of a tie.
    pub ends: bool,
}

/// More kinds than this are no edge list.
pub const MOST_KINDS: usize = 200;

impl Collector {
    /// The number of a kind; none if there are too many.
    pub fn kind(&mut self, kind: &str) -> Option<u16> {
        if let Some(number) = self.kind_numbers.get(kind) {
            return Some(*number);
        }
        if self.kinds.len() >= MOST_KINDS {
            return None;
        }
        let number = self.kinds.len() as u16;
        self.kinds.push((kind.to_owned(), meaning(kind)));
        self.kind_numbers.insert(kind.to_owned(), number);
        Some(number)
    }

    /// A name is there, whatever it shares.
    pub fn name(&mut self, name: &str) -> u32 {
        let number = self.texts.number(name);
        self.mark(number);
        number
    }

    /// Names hold values, perhaps since a moment.
    pub fn rows(&mut self, rows: &[Row<'_>]) {
        let mut texts: Vec<&str> = Vec::with_capacity(rows.len() * 2);
        for row in rows {
            texts.push(row.name);
            texts.push(if self.says(row) { row.value } else { row.name });
        }
        let mut numbers = std::mem::take(&mut self.numbers);
        self.texts.numbers(&texts, &mut numbers);
        for (row, pair) in rows.iter().zip(numbers.chunks_exact(2)) {
            let (name, value) = (pair[0], pair[1]);
            self.mark(name);
            if !self.says(row) {
                self.silent += 1;
                continue;
            }
            if let (Meaning::Pivot(PivotKind::Registrar), Some(since)) =
                (self.kinds[usize::from(row.kind)].1, row.since)
            {
                self.dates.push((name, since));
            }
            if row.ends {
                self.mark(value);
            }
            self.rows.push((name, value, row.kind));
        }
        self.numbers = numbers;
    }

    /// Whether a row says anything.
    fn says(&self, row: &Row<'_>) -> bool {
        match self.kinds[usize::from(row.kind)].1 {
            Meaning::Silent => false,
            Meaning::Pivot(PivotKind::Other) => !row.value.is_empty(),
            Meaning::Pivot(kind) => !is_placeholder(kind, row.value),
            Meaning::Registered | Meaning::FirstSeen => true,
        }
    }

    /// How many distinct texts there are.
    pub const fn texts(&self) -> usize {
        self.texts.len()
    }

    fn mark(&mut self, number: u32) {
        let number = number as usize;
        if number >= self.is_name.len() {
            self.is_name.resize(number + 1, false);
        }
        self.is_name[number] = true;
    }

    /// Sorts what was told.
    pub fn finish(mut self) -> Features {
        self.is_name.resize(self.texts.len(), false);
        self.sort_kinds();
        let ties = self.tie_kinds();
        for (_, value, kind) in &self.rows {
            if ties[usize::from(*kind)] == Form::Ties {
                self.is_name[*value as usize] = true;
            }
        }
        let (names, rank) = sorted(&self.texts, &self.is_name);
        let registered = self.registrations(&rank, names.len());
        let mut links = Vec::new();
        let mut held: Vec<(u16, u32, u32)> = Vec::new();
        let mut servers: Vec<(u32, u32)> = Vec::new();
        for (name, value, kind) in std::mem::take(&mut self.rows) {
            let name = rank[name as usize];
            match (self.kinds[usize::from(kind)].1, ties[usize::from(kind)]) {
                (Meaning::Pivot(_), Form::Ties) => {
                    let other = rank[value as usize];
                    if name != other {
                        links.push((name.min(other), name.max(other), kind));
                    }
                }
                (Meaning::Pivot(PivotKind::NameServers), _) => servers.push((name, value)),
                (Meaning::Pivot(_), _) => held.push((kind, value, name)),
                _ => {}
            }
        }
        links.sort_unstable();
        links.dedup();
        let mut features = Features { names, registered, links, silent: self.silent, ..Features::default() };
        self.sets(servers, &mut held);
        self.pivots(held, &ties, &mut features);
        features.kinds = self
            .kinds
            .into_iter()
            .zip(&ties)
            .map(|((kind, meaning), form)| match (meaning, form) {
                (_, Form::Ties) => (kind, PivotKind::Link),
                (Meaning::Pivot(pivot), _) => (kind, pivot),
                _ => (kind, PivotKind::Other),
            })
            .collect();
        features
    }

    /// Numbers the kinds by their names, so that the order of the rows does not show.
    fn sort_kinds(&mut self) {
        let mut order: Vec<usize> = (0..self.kinds.len()).collect();
        order.sort_by(|a, b| self.kinds[*a].0.cmp(&self.kinds[*b].0));
        let mut new = vec![0u16; order.len()];
        for (at, old) in order.iter().enumerate() {
            new[*old] = at as u16;
        }
        self.kinds = order.into_iter().map(|old| self.kinds[old].clone()).collect();
        for row in &mut self.rows {
            row.2 = new[usize::from(row.2)];
        }
    }

    /// Which kinds tie names to names: those that we do not know and whose values mostly are names themselves.
    fn tie_kinds(&self) -> Vec<Form> {
        let mut counts = vec![(0usize, 0usize); self.kinds.len()];
        for (_, value, kind) in &self.rows {
            let count = &mut counts[usize::from(*kind)];
            count.0 += 1;
            count.1 += usize::from(self.is_name[*value as usize]);
        }
        let form = |((_, meaning), (rows, names)): (&(String, Meaning), &(usize, usize))| {
            let unknown = *meaning == Meaning::Pivot(PivotKind::Other);
            if unknown && *rows > 0 && names * 2 >= *rows { Form::Ties } else { Form::Values }
        };
        self.kinds.iter().zip(&counts).map(form).collect()
    }

    /// The set of name servers is one value: a provider's servers are shared by all, a pair within one account.
    fn sets(&mut self, mut servers: Vec<(u32, u32)>, held: &mut Vec<(u16, u32, u32)>) {
        let of = |meaning: &(String, Meaning)| meaning.1 == Meaning::Pivot(PivotKind::NameServers);
        let Some(kind) = self.kinds.iter().position(of) else { return };
        servers.sort_unstable();
        servers.dedup();
        for rows in servers.chunk_by(|a, b| a.0 == b.0) {
            let mut set: Vec<String> =
                rows.iter().map(|(_, value)| self.texts.get(*value).to_ascii_lowercase()).collect();
            set.sort_unstable();
            let set = self.texts.number(&set.join(" "));
            held.push((kind as u16, set, rows[0].0));
        }
    }

    /// Keeps the values that two or more hold, by kind and value; a value that exactly two hold, of a kind whose
    /// values nearly all are like that, is a tie in another spelling.
    fn pivots(&self, mut held: Vec<(u16, u32, u32)>, ties: &[Form], features: &mut Features) {
        held.sort_unstable();
        held.dedup();
        let shared: Vec<&[(u16, u32, u32)]> =
            held.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|rows| rows.len() > 1).collect();
        let mut pairs = vec![(0usize, 0usize); ties.len()];
        for rows in &shared {
            let count = &mut pairs[usize::from(rows[0].0)];
            count.0 += 1;
            count.1 += usize::from(rows.len() == 2);
        }
        let of_pairs: Vec<bool> = pairs
            .iter()
            .zip(&self.kinds)
            .map(|((all, two), (_, meaning))| {
                *meaning == Meaning::Pivot(PivotKind::Other)
                    && *all > 2 * features.names.len()
                    && two * 10 >= all * 9
            })
            .collect();
        features.servers = vec![u32::MAX; features.names.len()];
        let mut pivots: Vec<(u16, &str, &[Held])> = Vec::new();
        for rows in shared {
            let kind = rows[0].0;
            if rows.len() == 2 && of_pairs[usize::from(kind)] {
                features.links.push((rows[0].2, rows[1].2, kind));
            } else {
                pivots.push((kind, self.texts.get(rows[0].1), rows));
            }
        }
        if of_pairs.contains(&true) {
            features.links.sort_unstable();
            features.links.dedup();
        }
        pivots.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        for (kind, value, rows) in pivots {
            let from = features.holders.len();
            features.holders.extend(rows.iter().map(|row| row.2));
            if self.kinds[usize::from(kind)].1 == Meaning::Pivot(PivotKind::NameServers) {
                for row in rows {
                    features.servers[row.2 as usize] = features.pivots.len() as u32;
                }
            }
            features.pivots.push(Pivot {
                kind,
                value: value.into(),
                from,
                to: features.holders.len(),
                shared_by: rows.len(),
                trusted: false,
            });
        }
    }

    /// When each name was registered. The registry's own date rules; the first sighting tells the second where
    /// the registry tells the day alone and both are of one day, since a later sighting says nothing of the
    /// moment of registration.
    fn registrations(&self, rank: &[u32], names: usize) -> Vec<Option<(Moment, u32)>> {
        let mut created: Vec<Option<Moment>> = vec![None; names];
        let mut seen: Vec<Option<Moment>> = vec![None; names];
        let mut registrar: Vec<Option<u32>> = vec![None; names];
        let earlier = |slot: &mut Option<Moment>, moment: Moment| {
            *slot = Some(slot.map_or(moment, |known| known.earlier(moment)));
        };
        for (name, value, kind) in &self.rows {
            let at = rank[*name as usize] as usize;
            match self.kinds[usize::from(*kind)].1 {
                Meaning::Registered => {
                    if let Some(moment) = Moment::read(self.texts.get(*value)) {
                        earlier(&mut created[at], moment);
                    }
                }
                Meaning::FirstSeen => {
                    if let Some(moment) = Moment::read(self.texts.get(*value)) {
                        earlier(&mut seen[at], moment);
                    }
                }
                Meaning::Pivot(PivotKind::Registrar) => {
                    let smaller =
                        registrar[at].is_none_or(|old| self.texts.get(*value) < self.texts.get(old));
                    if smaller {
                        registrar[at] = Some(*value);
                    }
                }
                _ => {}
            }
        }
        for (name, moment) in &self.dates {
            earlier(&mut created[rank[*name as usize] as usize], *moment);
        }
        let moment = |created: Option<Moment>, seen: Option<Moment>| match (created, seen) {
            (Some(created), Some(seen)) if !created.exact && seen.exact && created.day() == seen.day() => {
                Some(seen)
            }
            (Some(created), _) => Some(created),
            (None, seen) => seen,
        };
        let mut by_text: Vec<u32> = registrar.iter().flatten().copied().collect();
        by_text.sort_unstable_by_key(|number| self.texts.get(*number));
        by_text.dedup();
        let place: HashMap<u32, u32> = by_text.into_iter().zip(1..).collect();
        let number = |at: usize| registrar[at].and_then(|text| place.get(&text)).copied().unwrap_or(0);
        (0..names).map(|at| moment(created[at], seen[at]).map(|when| (when, number(at)))).collect()
    }
}

/// Whether the values of a kind are names or things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ties,
    Values,
}

/// The names in order, and for each text the rank of its name.
fn sorted(texts: &Interner, is_name: &[bool]) -> (Vec<Box<str>>, Vec<u32>) {
    // The first eight bytes decide nearly always, without a look at the text.
    let key = |number: u32| {
        let mut first = [0u8; 8];
        for (to, from) in first.iter_mut().zip(texts.get(number).bytes()) {
            *to = from;
        }
        u64::from_be_bytes(first)
    };
    let mut order: Vec<(u64, u32)> = (0..texts.len() as u32)
        .filter(|number| is_name[*number as usize])
        .map(|number| (key(number), number))
        .collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| texts.get(a.1).cmp(texts.get(b.1))));
    let mut rank = vec![u32::MAX; texts.len()];
    let names = order
        .iter()
        .enumerate()
        .map(|(at, (_, number))| {
            rank[*number as usize] = at as u32;
            texts.get(*number).into()
        })
        .collect();
    (names, rank)
}
