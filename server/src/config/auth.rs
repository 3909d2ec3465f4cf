//! Section `auth`.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use takedown::{
    ids::Ids,
    people::{Seal, oidc::Providers},
    settings::AuthSettings,
};

use super::{Http, Problems, Provider, Span, provider, read_bounded};

/// How people sign in.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The file with the key that seals second factors.
    pub key_file: String,
    /// How long a session lives without being used.
    pub session_idle: Span,
    /// How long a session lives at the longest.
    pub session_longest: Span,
    /// Who else can say who somebody is.
    pub providers: Vec<Provider>,
}

impl Auth {
    /// What the work is given.
    pub fn settings(&self) -> AuthSettings {
        AuthSettings { session_idle: self.session_idle.0, session_longest: self.session_longest.0 }
    }

    /// The providers that people can sign in with.
    ///
    /// # Errors
    /// What of one cannot be used.
    pub fn providers(&self, http: &Http) -> Result<Providers, Problems> {
        provider::open(&self.providers, &http.public_url)
    }

    /// The key, if its file is there.
    ///
    /// # Errors
    /// As [`Auth::seal`].
    pub fn own_seal(&self) -> Result<Option<Seal>, Problems> {
        if Path::new(&self.key_file).exists() { self.read().map(Some) } else { Ok(None) }
    }

    /// The key; the file is made if it is not there.
    ///
    /// # Errors
    /// The file cannot be made or read, others can read it, or it holds no key.
    pub fn seal(&self, ids: &Ids) -> Result<Seal, Problems> {
        let wrong = |why: String| Problems::of("auth.key_file", format!("{}: {why}", self.key_file));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.key_file) {
            Ok(mut file) => {
                let text = Seal::text(ids.secret()) + "\n";
                let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                written.map_err(|error| wrong(format!("cannot be written: {error}")))?;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(wrong(format!("cannot be made: {error}"))),
        }
        self.read()
    }

    fn read(&self) -> Result<Seal, Problems> {
        let wrong = |why: String| Problems::of("auth.key_file", format!("{}: {why}", self.key_file));
        let path = Path::new(&self.key_file);
        let mode = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.mode();
        if mode & 0o077 != 0 {
            let why = format!("others can read it (mode {:o}): `chmod 600` it", mode & 0o777);
            return Err(wrong(why));
        }
        let text = read_bounded(path).map_err(wrong)?;
        Seal::from_text(&text).map_err(|error| wrong(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn auth(path: &Path) -> Auth {
        let span = |seconds| Span(std::time::Duration::from_secs(seconds));
        let key_file = path.to_string_lossy().into_owned();
        Auth { key_file, session_idle: span(60), session_longest: span(600), providers: Vec::new() }
    }

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let ids = Ids::seeded(1);
        let closed = auth(&path).seal(&ids).expect("made").close("ana", b"x", [1; 32]).expect("closed");
        assert_eq!(std::fs::metadata(&path).expect("a file").mode() & 0o777, 0o600);
        let again = auth(&path).seal(&ids).expect("read");
        assert_eq!(again.open("ana", &closed).as_deref(), Ok(b"x".as_slice()), "the same key");
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let ids = Ids::seeded(1);
        auth(&path).seal(&ids).expect("made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("changed");
        let told = auth(&path).seal(&ids).expect_err("others can read it").to_string();
        assert!(told.contains("chmod 600"), "{told}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changed");
        std::fs::write(&path, "secret").expect("written");
        let told = auth(&path).seal(&ids).expect_err("no key").to_string();
        assert!(told.contains("openssl rand") && !told.contains("secret\""), "{told}");
        assert!(auth(Path::new("/nowhere/key")).seal(&ids).is_err());
    }
}
