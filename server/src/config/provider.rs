//! Section `auth`, its providers: `[[auth.providers]]`.

use std::{collections::HashSet, path::Path, time::Duration};

use entities::{ActorRole, Secret, Tlp};
use serde::{Deserialize, Serialize};
use takedown::people::oidc::{self, Algorithm, ProviderSettings, Providers};
use url::Url;

use super::{Problems, Span, read_bounded};

/// The longest name of a provider.
const NAME_MAX: usize = 24;

/// A provider that people can sign in with (OpenID Connect).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What it is called in addresses and the ledger.
    pub name: String,
    /// What people read on its button.
    #[serde(default)]
    pub label: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// The file with the client's secret.
    #[serde(default)]
    pub client_secret_file: String,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim with a person's groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// Which group makes which role.
    pub roles: Vec<Group>,
    /// The party whose people they are, by its key.
    #[serde(default)]
    pub party: String,
    /// The clearance that a new account begins with.
    #[serde(default)]
    pub clearance: Option<Tlp>,
    /// How its tokens may be signed.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// Files with certificates to trust besides the system's, PEM.
    #[serde(default)]
    pub roots: Vec<String>,
    /// How long one exchange with it may take.
    #[serde(default = "timeout")]
    pub timeout: Span,
}

/// A group and the role that it makes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group, as the provider calls it.
    pub group: String,
    /// The role.
    pub role: ActorRole,
}

fn scopes() -> Vec<String> {
    ["openid", "profile"].map(str::to_owned).to_vec()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

fn algorithms() -> Vec<String> {
    [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa]
        .map(|one| one.to_string())
        .to_vec()
}

const fn timeout() -> Span {
    Span(Duration::from_secs(5))
}

/// The providers, ready to be asked.
///
/// # Errors
/// What of a provider cannot be used.
pub fn open(providers: &[Provider], public_url: &str) -> Result<Providers, Problems> {
    if providers.is_empty() {
        return Ok(Providers::default());
    }
    let wrong = |why: &str| Problems::of("auth.providers", why);
    let base = Url::parse(public_url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    let base = base.ok_or_else(|| wrong("providers send browsers back to http.public_url: set it"))?;
    let mut names = HashSet::new();
    let mut opened = Vec::new();
    for provider in providers {
        let name = provider.name.as_str();
        let wrong = |why: String| Problems::of("auth.providers", format!("`{name}`: {why}"));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(plain) {
            let rule = format!("a name is 1 to {NAME_MAX} of the letters a to z, digits and -");
            return Err(wrong(rule));
        }
        if !names.insert(name) {
            return Err(wrong("two providers have this name".into()));
        }
        let settings = provider.settings(&base).map_err(wrong)?;
        opened.push(oidc::Provider::new(settings).map_err(|error| wrong(error.to_string()))?);
    }
    Ok(Providers::new(opened))
}

impl Provider {
    fn settings(&self, base: &Url) -> Result<ProviderSettings, String> {
        if self.client_id.is_empty() {
            return Err("client_id is empty".into());
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err("scopes must have openid".into());
        }
        if self.roles.is_empty() {
            return Err("roles is empty: nobody could get in".into());
        }
        let ours = |group: &&Group| matches!(group.role, ActorRole::Liaison | ActorRole::Partner);
        if let Some(Group { role, .. }) = self.roles.iter().find(ours)
            && self.party.is_empty()
        {
            return Err(format!("a {role} is somebody's: name the party"));
        }
        let at = |path: &str| base.join(path).map_err(|error| format!("http.public_url: {error}"));
        Ok(ProviderSettings {
            name: self.name.clone(),
            label: if self.label.is_empty() { self.name.clone() } else { self.label.clone() },
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.secret()?,
            scopes: self.scopes.clone(),
            groups_claim: self.groups_claim.clone(),
            roles: self.roles.iter().map(|Group { group, role }| (group.clone(), *role)).collect(),
            party: (!self.party.is_empty()).then(|| self.party.clone()),
            clearance: self.clearance,
            algorithms: self.signed()?,
            roots: self.roots.iter().map(|file| read(file)).collect::<Result<_, _>>()?,
            timeout: self.timeout.0,
            callback: at(&format!("/auth/oidc/{}/callback", self.name))?,
            after_sign_out: at("/sign-in")?,
        })
    }

    fn secret(&self) -> Result<Option<Secret>, String> {
        if self.client_secret_file.is_empty() {
            return Ok(None);
        }
        let text = read(&self.client_secret_file)?;
        let secret = text.trim();
        if secret.is_empty() {
            return Err(format!("{} is empty", self.client_secret_file));
        }
        Ok(Some(Secret(secret.to_owned())))
    }

    fn signed(&self) -> Result<Vec<Algorithm>, String> {
        if self.algorithms.is_empty() {
            return Err("algorithms is empty: no token could be believed".into());
        }
        let known = |name: &String| {
            let all = Algorithm::ALL.map(Algorithm::name).join(", ");
            Algorithm::named(name).ok_or_else(|| format!("algorithms: `{name}` is none of {all}"))
        };
        self.algorithms.iter().map(known).collect()
    }
}

fn read(file: &str) -> Result<String, String> {
    read_bounded(Path::new(file)).map_err(|why| format!("{file}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str, public_url: &str) -> Result<Providers, String> {
        #[derive(Deserialize)]
        struct Section {
            providers: Vec<Provider>,
        }
        let section: Section = toml::from_str(text).map_err(|error| error.to_string())?;
        open(&section.providers, public_url).map_err(|problems| problems.to_string())
    }

    const GOOD: &str = r#"
        [[providers]]
        name = "agency"
        issuer = "https://id.example/realm"
        client_id = "lockstep"
        party = "agency:de:example"
        roles = [{ group = "desk", role = "liaison" }]
    "#;

    #[test]
    fn a_provider_needs_little_and_goes_back_to_an_address_of_its_own() {
        let providers = opened(GOOD, "https://lockstep.example").expect("good");
        let settings = &providers.named("agency").expect("there").settings;
        assert_eq!(settings.callback.as_str(), "https://lockstep.example/auth/oidc/agency/callback");
        assert_eq!((settings.label.as_str(), settings.groups_claim.as_str()), ("agency", "groups"));
        assert!(settings.client_secret.is_none() && settings.clearance.is_none());
        assert!(providers.named("other").is_err());
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let twice = GOOD.repeat(2);
        for (from, to, told) in [
            ("https://id.example/realm", "http://id.example", "https:"),
            ("\"agency\"", "\"The Agency\"", "letters a to z"),
            ("agency:de:example", "", "name the party"),
            ("client_id", "clientid", "unknown field"),
            ("liaison", "king", "`king`"),
            ("[{ group = \"desk\", role = \"liaison\" }]", "[]", "nobody could get in"),
            ("client_id = \"lockstep\"", "client_id = \"a\"\nalgorithms = [\"HS256\"]", "`HS256` is none of"),
            ("client_id = \"lockstep\"", "client_id = \"a\"\nalgorithms = [\"none\"]", "`none` is none of"),
            ("client_id = \"lockstep\"", "client_id = \"a\"\nscopes = []", "openid"),
            ("client_id = \"lockstep\"", "client_id = \"a\"\nclient_secret_file = \"/nowhere\"", "/nowhere"),
            (GOOD, twice.as_str(), "two providers"),
        ] {
            let problem = opened(&GOOD.replacen(from, to, 1), "https://lockstep.example").expect_err(told);
            assert!(problem.contains(told), "{told}: {problem}");
        }
        assert!(opened(GOOD, "").expect_err("no address").contains("http.public_url"));
    }
}
