//! Lists of benign and shared things, in the format of misp-warninglists or as plain lines: a hit is a
//! fact on the observable with the list's name, never a refusal.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use entities::{FactKind, ObservableKind};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use prefix_trie::PrefixMap;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::{
    entry::{Named, Stated},
    name,
};

/// The largest list file that is read, in bytes.
const FILE_MAX: u64 = 64 << 20;
/// The most entries of the kinds that cost time per look-up, over all lists.
const PATTERNS_MAX: usize = 10_000;

/// What a list's members are, in our own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenignKind {
    /// The operator's own allow list.
    Allowed,
    /// Much visited.
    Popular,
    /// A content delivery network.
    Cdn,
    /// A dynamic DNS provider.
    DynamicDns,
    /// A URL shortener or link page.
    Shortener,
    /// A parking service.
    Parking,
    /// A sinkhole.
    Sinkhole,
    /// A cloud or hosting platform, many customers on one address.
    Cloud,
    /// Anything else: scanners, resolvers, special-purpose blocks, known-good files.
    Other,
}

impl BenignKind {
    /// Its one spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Popular => "popular",
            Self::Cdn => "cdn",
            Self::DynamicDns => "dynamic_dns",
            Self::Shortener => "shortener",
            Self::Parking => "parking",
            Self::Sinkhole => "sinkhole",
            Self::Cloud => "cloud",
            Self::Other => "other",
        }
    }

    /// The kind that a list's name, file and description speak of.
    fn of(title: &str) -> Self {
        let title = title.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|w| title.contains(w));
        match () {
            () if has(&["sinkhole", "blockpage"]) => Self::Sinkhole,
            () if has(&["allowlist", "allow-list", "allow_list", "whitelist"]) => Self::Allowed,
            () if has(&["parking"]) => Self::Parking,
            () if has(&["dynamic dns", "dynamic-dns", "dyndns"]) => Self::DynamicDns,
            () if has(&["shortener", "link-in-bio", "link in bio"]) => Self::Shortener,
            () if has(&["scanning", "scanner"]) => Self::Other,
            () if has(&[
                "top 1", "top 2", "top 5", "top-1", "top1", "top2", "top5", "top-500", "popular", "tranco",
                "majestic", "alexa",
            ]) =>
            {
                Self::Popular
            }
            () if has(&["cdn", "akamai", "fastly", "stackpath", "cloudflare", "zscaler"]) => Self::Cdn,
            () if has(&[
                "cloud",
                "aws",
                "azure",
                "gcp",
                "office365",
                "office 365",
                "lots",
                "ipfs",
                "oci",
                "ovh",
            ]) =>
            {
                Self::Cloud
            }
            () => Self::Other,
        }
    }
}

/// Why a list was refused.
#[derive(Debug, thiserror::Error)]
pub enum BenignError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A field of it is not as the format says.
    #[error("{}: {field}: {message}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field: `type`, `list[17]`, or `line 3`.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

/// A loaded list.
#[derive(Debug)]
struct List {
    name: String,
    kind: BenignKind,
}

type ListId = u32;

/// Every loaded list, compiled for fast look-ups.
#[derive(Debug, Default)]
pub struct Benign {
    lists: Vec<List>,
    exact: HashMap<Box<str>, Vec<ListId>>,
    below: HashMap<Box<str>, Vec<ListId>>,
    v4: PrefixMap<Ipv4Network, Vec<ListId>>,
    v6: PrefixMap<Ipv6Network, Vec<ListId>>,
    parts: Vec<(String, ListId)>,
    /// One pattern of all `parts`: says fast that none of them is in a text.
    any_part: Option<Regex>,
    patterns: Vec<(Regex, ListId)>,
}

/// A list as misp-warninglists writes it.
#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(rename = "type")]
    matching: String,
    #[serde(default)]
    description: String,
    list: Vec<serde_json::Value>,
}

impl Benign {
    /// Loads a list file (`*.json` as misp-warninglists, else one entry a line), or every list in a
    /// folder and the folders below it.
    ///
    /// # Errors
    /// The file and field of the first list that is not readable.
    pub fn load(&mut self, path: &Path) -> Result<(), BenignError> {
        let mut files = Vec::new();
        collect(path, 0, &mut files)?;
        files.sort();
        for file in files {
            self.load_file(&file)?;
        }
        self.compile(path)
    }

    fn load_file(&mut self, path: &Path) -> Result<(), BenignError> {
        let read = |source| BenignError::Read { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(read)?.len();
        let field = |field: &str, message: String| BenignError::Field {
            path: path.to_owned(),
            field: field.to_owned(),
            message,
        };
        if length > FILE_MAX {
            return Err(field("file", format!("{length} bytes: at most {FILE_MAX} are read")));
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let file_name = path.to_string_lossy();
        if path.extension().is_some_and(|e| e == "json") {
            let written: Written = serde_json::from_str(&text).map_err(|e| field("list", e.to_string()))?;
            let title = format!("{} {} {}", written.name, written.description, short(&file_name));
            let id = self.open(written.name.clone(), BenignKind::of(&title));
            for (at, entry) in written.list.iter().enumerate() {
                let place = || format!("list[{at}]");
                let entry = entry.as_str().ok_or_else(|| field(&place(), "a text is expected".to_owned()))?;
                self.add(id, &written.matching, entry).map_err(|why| {
                    let place = if why.starts_with("unknown type") { "type".to_owned() } else { place() };
                    field(&place, why)
                })?;
            }
            return Ok(());
        }
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let kind = if stem.starts_with("allow") { BenignKind::Allowed } else { BenignKind::of(&stem) };
        let id = self.open(stem, kind);
        for (at, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if !entry.is_empty() {
                let matching = if entry.parse::<IpNetwork>().is_ok() { "cidr" } else { "hostname" };
                self.add(id, matching, entry).map_err(|why| field(&format!("line {}", at + 1), why))?;
            }
        }
        Ok(())
    }

    fn open(&mut self, name: String, kind: BenignKind) -> ListId {
        self.lists.push(List { name, kind });
        u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX)
    }

    fn add(&mut self, id: ListId, matching: &str, entry: &str) -> Result<(), String> {
        let entry = entry.trim();
        if entry.is_empty() {
            return Ok(());
        }
        let lower = || entry.to_lowercase();
        let put = |map: &mut HashMap<Box<str>, Vec<ListId>>, key: &str| {
            let ids = map.entry(key.into()).or_default();
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        };
        match matching {
            "string" if !entry.starts_with('.') => put(&mut self.exact, &lower()),
            // A dot at the start of a `string` entry means the same as in a `hostname` list.
            "string" | "hostname" => put(&mut self.below, lower().trim_matches('.')),
            "cidr" => match entry
                .parse::<IpNetwork>()
                .map_err(|_| format!("`{entry}` is not an address or prefix"))?
            {
                IpNetwork::V4(net) => self.v4.entry(net).or_default().push(id),
                IpNetwork::V6(net) => self.v6.entry(net).or_default().push(id),
            },
            "substring" => self.parts.push((lower(), id)),
            "regex" => self.patterns.push((pattern(entry)?, id)),
            other => {
                return Err(format!(
                    "unknown type `{other}`; it is one of string, hostname, substring, regex, cidr"
                ));
            }
        }
        if self.parts.len() + self.patterns.len() > PATTERNS_MAX {
            return Err(format!("over {PATTERNS_MAX} substrings and patterns in all lists together"));
        }
        Ok(())
    }

    fn compile(&mut self, path: &Path) -> Result<(), BenignError> {
        let parts: Vec<String> = self.parts.iter().map(|(p, _)| regex::escape(p)).collect();
        if !parts.is_empty() {
            let any = RegexBuilder::new(&parts.join("|")).size_limit(64 << 20).build();
            self.any_part = Some(any.map_err(|e| BenignError::Field {
                path: path.to_owned(),
                field: "list".to_owned(),
                message: e.to_string(),
            })?);
        }
        Ok(())
    }

    /// How many lists are loaded.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether no list is loaded.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// What the members of a loaded list are, by the list's name.
    pub fn kind_of(&self, list: &str) -> Option<BenignKind> {
        self.lists.iter().find(|l| l.name == list).map(|l| l.kind)
    }

    /// The lists an observable is on: each list's name and the entry that matches.
    pub fn matches(&self, named: &Named) -> Vec<(&str, String)> {
        self.hits(named).into_iter().map(|(id, entry)| (self.list(id).name.as_str(), entry)).collect()
    }

    /// The same as facts: the list's name, and `kind: entry` as the detail.
    pub fn facts(&self, named: &Named) -> Vec<Stated> {
        let fact = |(id, entry): (ListId, String)| Stated {
            of: named.clone(),
            kind: FactKind::Listed,
            list: self.list(id).name.clone(),
            detail: format!("{}: {entry}", self.list(id).kind.as_str()),
        };
        self.hits(named).into_iter().map(fact).collect()
    }

    fn list(&self, id: ListId) -> &List {
        &self.lists[id as usize]
    }

    fn hits(&self, named: &Named) -> Vec<(ListId, String)> {
        let mut hits = Vec::new();
        if self.lists.is_empty() {
            return hits;
        }
        match named.kind {
            ObservableKind::Ipv4Address | ObservableKind::Ipv6Address => {
                self.address_hits(&named.value, &mut hits);
            }
            ObservableKind::Prefix => self.prefix_hits(&named.value, &mut hits),
            ObservableKind::FileHash => {
                let digits = named.value.split_once(':').map_or(named.value.as_str(), |(_, d)| d);
                self.text_hits(digits, None, &mut hits);
            }
            ObservableKind::Url => {
                let rest = named.value.split_once("://").map_or(named.value.as_str(), |(_, r)| r);
                self.host_hits(
                    rest.split('/').next().unwrap_or(rest),
                    named.registrable.as_deref(),
                    &mut hits,
                );
                self.text_hits(rest.trim_end_matches('/'), None, &mut hits);
            }
            _ => self.host_hits(&named.value, named.registrable.as_deref(), &mut hits),
        }
        hits.sort_unstable();
        hits.dedup_by_key(|(id, _)| *id);
        hits
    }

    /// A host with or without a port: an address or a name.
    fn host_hits(&self, text: &str, registrable: Option<&str>, hits: &mut Vec<(ListId, String)>) {
        let host = match text.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None if text.matches(':').count() == 1 => text.split(':').next().unwrap_or(text),
            None => text,
        };
        let last = host.bytes().next_back();
        if last.is_some_and(|b| b.is_ascii_digit()) || host.contains(':') {
            self.address_hits(host, hits);
        }
        self.text_hits(host, registrable, hits);
        for at in name::starts(host) {
            if let Some(ids) = self.below.get(&host[at..]) {
                hits.extend(ids.iter().map(|&id| (id, host[at..].to_owned())));
            }
        }
    }

    fn text_hits(&self, text: &str, registrable: Option<&str>, hits: &mut Vec<(ListId, String)>) {
        if let Some(ids) = self.exact.get(text) {
            hits.extend(ids.iter().map(|&id| (id, text.to_owned())));
        }
        // Lists of popular sites name the site; what is below it is the site's too.
        if let Some(domain) = registrable.filter(|d| *d != text)
            && let Some(ids) = self.exact.get(domain)
        {
            let popular = ids.iter().filter(|&&id| self.list(id).kind == BenignKind::Popular);
            hits.extend(popular.map(|&id| (id, domain.to_owned())));
        }
        if self.any_part.as_ref().is_some_and(|any| any.is_match(text)) {
            let inside = self.parts.iter().filter(|(part, _)| text.contains(part.as_str()));
            hits.extend(inside.map(|(part, id)| (*id, part.clone())));
        }
        let matching = self.patterns.iter().filter(|(pattern, _)| pattern.is_match(text));
        hits.extend(matching.map(|(pattern, id)| (*id, pattern.as_str().to_owned())));
    }

    fn address_hits(&self, text: &str, hits: &mut Vec<(ListId, String)>) {
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(a)) => self.cover_v4(a, 32, hits),
            Ok(IpAddr::V6(a)) => self.cover_v6(a, 128, hits),
            Err(_) => {}
        }
    }

    fn prefix_hits(&self, text: &str, hits: &mut Vec<(ListId, String)>) {
        match text.parse::<IpNetwork>() {
            Ok(IpNetwork::V4(net)) => self.cover_v4(net.network(), net.prefix(), hits),
            Ok(IpNetwork::V6(net)) => self.cover_v6(net.network(), net.prefix(), hits),
            Err(_) => {}
        }
    }

    fn cover_v4(&self, address: Ipv4Addr, length: u8, hits: &mut Vec<(ListId, String)>) {
        let Ok(prefix) = Ipv4Network::new(address, length) else { return };
        for (net, ids) in self.v4.cover(&prefix) {
            hits.extend(ids.iter().map(|&id| (id, net.to_string())));
        }
    }

    fn cover_v6(&self, address: Ipv6Addr, length: u8, hits: &mut Vec<(ListId, String)>) {
        let Ok(prefix) = Ipv6Network::new(address, length) else { return };
        for (net, ids) in self.v6.cover(&prefix) {
            hits.extend(ids.iter().map(|&id| (id, net.to_string())));
        }
    }
}

/// The last two parts of a path: the list's folder and file.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.rsplit(['/', '\\']).take(2).collect();
    parts.join(" ")
}

/// `/pattern/flags` or a bare pattern, with a bound on its size.
fn pattern(entry: &str) -> Result<Regex, String> {
    let (body, flags) = match entry.strip_prefix('/').and_then(|e| e.rsplit_once('/')) {
        Some((body, flags)) => (body, flags),
        None => (entry, "i"),
    };
    // Values are lower-case already; `\@` is an escape that this syntax does not know.
    RegexBuilder::new(&body.replace("\\@", "@").replace("\\/", "/"))
        .case_insensitive(flags.contains('i'))
        .size_limit(1 << 20)
        .build()
        .map_err(|e| format!("not a pattern: {}", e.to_string().lines().last().unwrap_or_default()))
}

/// List files under a path: `*.json` (of a folder with a `list.json`, that one alone) and `*.txt`.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), BenignError> {
    let read = |source| BenignError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(read)?.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    if path.join("list.json").is_file() {
        files.push(path.join("list.json"));
        return Ok(());
    }
    if path.join("lists").is_dir() {
        // The publisher's own checkout: beside its lists lie a schema and tools.
        return collect(&path.join("lists"), depth + 1, files);
    }
    for entry in std::fs::read_dir(path).map_err(read)? {
        let below = entry.map_err(read)?.path();
        let wanted = below.extension().is_some_and(|e| e == "json" || e == "txt");
        if below.is_dir() && depth < 4 {
            collect(&below, depth + 1, files)?;
        } else if below.is_file() && wanted {
            files.push(below);
        }
        if files.len() > 10_000 {
            let message = "over 10,000 lists".to_owned();
            return Err(BenignError::Field { path: path.to_owned(), field: "folder".to_owned(), message });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
