//! A browser without scripts: it follows redirects, keeps cookies by host and port, and sends the forms that it is shown.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{
    Client, Method, StatusCode, Url,
    header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
    redirect::Policy,
};

/// The most redirects in a row.
const MOST_HOPS: usize = 12;

/// A page that was reached.
#[derive(Debug)]
pub struct Shown {
    /// Its address, with the fragment.
    pub url: Url,
    /// How it was answered.
    pub status: StatusCode,
    /// What it says.
    pub text: String,
}

/// The browser.
pub struct Browser {
    client: Client,
    jars: HashMap<String, BTreeMap<String, String>>,
}

impl Browser {
    /// A browser without any cookie.
    pub fn new() -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().tls_certs_only([]).build()?;
        Ok(Self { client, jars: HashMap::new() })
    }

    /// Opens an address, as a person who typed it.
    pub async fn open(&mut self, url: &str) -> Result<Shown> {
        self.follow(Method::GET, Url::parse(url)?, None).await
    }

    /// Posts JSON, as a script of the page does.
    pub async fn post(&mut self, url: &str, body: String) -> Result<Shown> {
        self.follow(Method::POST, Url::parse(url)?, Some(("application/json", body))).await
    }

    /// Sends the first form of a page, with these fields over its own.
    pub async fn submit(&mut self, page: &Shown, fields: &[(&str, &str)]) -> Result<Shown> {
        let form = between(&page.text, "<form", "</form>").with_context(|| page.text.clone())?;
        let action = between(form, "action=\"", "\"").context("an action")?;
        let mut all = BTreeMap::new();
        for input in form.split("<input").skip(1) {
            let input = input.split('>').next().unwrap_or_default();
            if let (Some(name), Some(value)) =
                (between(input, "name=\"", "\""), between(input, "value=\"", "\""))
            {
                all.insert(name, value);
            }
        }
        all.extend(fields.iter().copied());
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let kind = "application/x-www-form-urlencoded";
        self.follow(Method::POST, page.url.join(action)?, Some((kind, body))).await
    }

    async fn follow(&mut self, method: Method, url: Url, body: Option<(&str, String)>) -> Result<Shown> {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..MOST_HOPS {
            let jar = self.jars.entry(url.authority().to_owned()).or_default();
            let pairs: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut request =
                self.client.request(method, url.clone()).header("sec-fetch-site", "same-origin");
            request = if pairs.is_empty() { request } else { request.header(COOKIE, pairs.join("; ")) };
            if let Some((kind, text)) = body.take() {
                request = request.header(CONTENT_TYPE, kind).body(text);
            }
            let answer = request.send().await?;
            for set in answer.headers().get_all(SET_COOKIE) {
                let pair = set.to_str()?.split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').context("a pair")?;
                let gone = value.is_empty() || set.to_str()?.contains("Max-Age=0");
                if gone {
                    jar.remove(name)
                } else {
                    jar.insert(name.to_owned(), value.to_owned())
                };
            }
            let status = answer.status();
            if !status.is_redirection() {
                return Ok(Shown { url, status, text: answer.text().await? });
            }
            let to = answer.headers().get(LOCATION).context("where to")?.to_str()?;
            (method, url) = (Method::GET, url.join(to)?);
        }
        bail!("redirected for ever: {url}")
    }

    /// Takes a page for one that must have been reached.
    pub fn at(page: &Shown, expected: &str) -> Result<()> {
        ensure!(page.url.as_str() == expected && page.status == StatusCode::OK, "{page:?} is not {expected}");
        Ok(())
    }
}

fn between<'a>(text: &'a str, after: &str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(after)?;
    Some(rest.split_once(before)?.0)
}
