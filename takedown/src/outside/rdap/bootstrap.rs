//! The bootstrap registries (RFC 9224, RFC 8521): which RDAP server answers for a name, an address, an AS, a handle.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    path::Path,
    sync::Arc,
};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use prefix_trie::PrefixMap;
use serde_json::Value;
use url::Url;

/// Which of the five files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registry {
    /// `dns.json`: top-level domains and deeper suffixes.
    Dns,
    /// `ipv4.json`: prefixes.
    Ipv4,
    /// `ipv6.json`: prefixes.
    Ipv6,
    /// `asn.json`: ranges of AS numbers.
    Asn,
    /// `object-tags.json`: the tags of entity handles.
    ObjectTags,
}

impl Registry {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Dns, Self::Ipv4, Self::Ipv6, Self::Asn, Self::ObjectTags];

    /// The file's name at IANA.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Dns => "dns.json",
            Self::Ipv4 => "ipv4.json",
            Self::Ipv6 => "ipv6.json",
            Self::Asn => "asn.json",
            Self::ObjectTags => "object-tags.json",
        }
    }
}

/// Why a bootstrap file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// None of the files is there.
    #[error("{folder}: has none of IANA's files dns.json, ipv4.json, ipv6.json, asn.json, object-tags.json")]
    Nothing {
        /// The folder's name.
        folder: String,
    },
    /// The file is there but cannot be read.
    #[error("{file}: {error}; give a readable copy of IANA's file")]
    Unreadable {
        /// The file's name.
        file: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is no JSON.
    #[error("{file}: line {line}: no JSON; fetch IANA's file again")]
    NotJson {
        /// The file's name.
        file: &'static str,
        /// Where the JSON breaks.
        line: usize,
    },
    /// It has no list of services.
    #[error("{file}: no \"services\" list; this is no RFC 9224 file")]
    NoServices {
        /// The file's name.
        file: &'static str,
    },
}

type Servers = Arc<[Url]>;

/// The registries as loaded. Later loads add to and replace earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Bootstrap {
    suffixes: HashMap<String, Servers>,
    ipv4: PrefixMap<Ipv4Network, Servers>,
    ipv6: PrefixMap<Ipv6Network, Servers>,
    autnums: BTreeMap<u32, (u32, Servers)>,
    tags: HashMap<String, Servers>,
}

impl Bootstrap {
    /// Loads those of the five files that are in `folder`; returns also the services that were passed over, with why.
    ///
    /// # Errors
    /// A file that is there cannot be read or is no bootstrap file, or none of them is there.
    pub fn from_folder(folder: &Path) -> Result<(Self, Vec<String>), BootstrapError> {
        if !Registry::ALL.iter().any(|registry| folder.join(registry.file_name()).exists()) {
            return Err(BootstrapError::Nothing { folder: folder.display().to_string() });
        }
        let mut bootstrap = Self::default();
        let mut passed_over = Vec::new();
        for registry in Registry::ALL {
            let file = folder.join(registry.file_name());
            match std::fs::read(&file) {
                Ok(json) => passed_over.extend(bootstrap.add(registry, &json)?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(BootstrapError::Unreadable { file: file.display().to_string(), error });
                }
            }
        }
        Ok((bootstrap, passed_over))
    }

    /// Takes one file's content; returns the services that were passed over, each with its place and why.
    ///
    /// # Errors
    /// It is no bootstrap file.
    pub fn add(&mut self, registry: Registry, json: &[u8]) -> Result<Vec<String>, BootstrapError> {
        let file = registry.file_name();
        let value: Value = serde_json::from_slice(json)
            .map_err(|error| BootstrapError::NotJson { file, line: error.line() })?;
        let services =
            value.get("services").and_then(Value::as_array).ok_or(BootstrapError::NoServices { file })?;
        let mut passed_over = Vec::new();
        for (place, service) in services.iter().enumerate() {
            let mut pass_over = |why: &str| passed_over.push(format!("{file}: service {}: {why}", place + 1));
            // Entries and servers are the last two lists; object tags have the registrant's mail before them.
            let lists: Vec<&Vec<Value>> =
                service.as_array().into_iter().flatten().filter_map(Value::as_array).collect();
            let [.., entries, urls] = lists.as_slice() else {
                pass_over("not a list of entries and a list of servers");
                continue;
            };
            let servers: Servers = urls.iter().filter_map(server).collect();
            if servers.is_empty() {
                pass_over("no usable server address");
                continue;
            }
            for entry in entries.iter() {
                let taken = entry.as_str().is_some_and(|entry| self.take(registry, entry, &servers));
                if !taken {
                    pass_over(&format!("entry {entry} cannot be read"));
                }
            }
        }
        Ok(passed_over)
    }

    /// Takes one entry; `false` when it cannot be read.
    fn take(&mut self, registry: Registry, entry: &str, servers: &Servers) -> bool {
        let servers = Arc::clone(servers);
        match registry {
            Registry::Dns => {
                self.suffixes.insert(entry.trim_matches('.').to_ascii_lowercase(), servers);
            }
            Registry::ObjectTags => {
                self.tags.insert(entry.to_ascii_uppercase(), servers);
            }
            Registry::Ipv4 | Registry::Ipv6 => match entry.parse::<IpNetwork>() {
                Ok(IpNetwork::V4(network)) => {
                    self.ipv4.insert(network, servers);
                }
                Ok(IpNetwork::V6(network)) => {
                    self.ipv6.insert(network, servers);
                }
                Err(_) => return false,
            },
            Registry::Asn => {
                let (first, last) = entry.split_once('-').unwrap_or((entry, entry));
                let (Ok(first), Ok(last)) = (first.trim().parse::<u32>(), last.trim().parse::<u32>()) else {
                    return false;
                };
                if first > last {
                    return false;
                }
                self.autnums.insert(first, (last, servers));
            }
        }
        true
    }

    /// The servers for a name: the longest suffix by labels, the root last. Empty when there is none.
    pub fn domain(&self, name: &str) -> &[Url] {
        let mut suffix = name.trim_end_matches('.');
        loop {
            if let Some(servers) = self.suffixes.get(suffix) {
                return servers;
            }
            match suffix.split_once('.') {
                Some((_, shorter)) => suffix = shorter,
                None if suffix.is_empty() => return &[],
                None => suffix = "",
            }
        }
    }

    /// The servers for an address, by the longest prefix.
    pub fn address(&self, address: IpAddr) -> &[Url] {
        let servers = match address.to_canonical() {
            IpAddr::V4(v4) => self.ipv4.get_lpm(&Ipv4Network::from(v4)).map(|(_, servers)| servers),
            IpAddr::V6(v6) => self.ipv6.get_lpm(&Ipv6Network::from(v6)).map(|(_, servers)| servers),
        };
        servers.map_or(&[], |servers| servers)
    }

    /// The servers for an AS number.
    pub fn autnum(&self, number: u32) -> &[Url] {
        match self.autnums.range(..=number).next_back() {
            Some((_, (last, servers))) if number <= *last => servers,
            _ => &[],
        }
    }

    /// The servers for a tagged handle: the tag is what follows the last hyphen (RFC 8521).
    pub fn tagged(&self, handle: &str) -> &[Url] {
        let tag = handle.rsplit_once('-').map(|(_, tag)| tag.to_ascii_uppercase());
        tag.and_then(|tag| self.tags.get(&tag)).map_or(&[], |servers| servers)
    }
}

fn server(url: &Value) -> Option<Url> {
    let url = Url::parse(url.as_str()?).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()).then_some(url)
}
