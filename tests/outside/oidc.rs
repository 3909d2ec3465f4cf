//! Signing in with a real provider (npm oidc-provider) on loopback: log-in, refresh, both kinds of log-out, new keys.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use entities::{ActorRole, Secret};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    audit,
    clock::Clock,
    env::Env,
    ids::Ids,
    job::{Run as _, kinds::RefreshSessions},
    party,
    people::{
        Seal,
        oidc::{Algorithm, Provider, ProviderSettings, Providers},
    },
    settings::Settings,
};
use tests::Database;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
};
use url::Url;

use crate::{
    browser::{Browser, Shown},
    running::{Running, folder, outside},
};

/// The server, the provider, and a person in front of a browser.
struct World {
    env: Arc<Env>,
    running: Running,
    issuer: String,
    browser: Browser,
    _database: Database,
    /// What it says is not read, and must have somewhere to go.
    _provider: (Child, Lines<BufReader<ChildStdout>>),
}

impl World {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let ours = format!("http://{}", listener.local_addr()?);
        let mut provider = Command::new("node")
            .arg(folder().join("oidc.mjs"))
            .arg(&ours)
            .current_dir(folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = BufReader::new(provider.stdout.take().context("its output")?).lines();
        let issuer = said.next_line().await?.context("its issuer")?;
        let database = Database::sqlite().await?;
        // It stands where the real one is, until a test moves it: tokens of the real one are good.
        let clock = Clock::manual(Clock::System.now());
        let mut env = Env::new(database.connect().await?, clock, Ids::system()?, Settings::default());
        env.seal = Some(Seal::new([3; 32]));
        env.providers = Providers::new([Provider::new(settings(&issuer, &ours)?)?]);
        let env = Arc::new(env);
        let list = r#"{"parties": [{"key": "agency:de:example", "kind": "law_enforcement", "name": "Example Police"}]}"#;
        let list = party::Given { source: "own", bytes: list.as_bytes(), replace: false };
        party::load(&env, &Actor::person("lea", ActorRole::Lead), list).await?;
        let running = Running::on(listener, env.clone(), &[]).await?;
        Ok(Self {
            env,
            running,
            issuer,
            browser: Browser::new()?,
            _database: database,
            _provider: (provider, said),
        })
    }

    fn ours(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// Lets the clock follow the real one.
    fn sync(&self) {
        self.env.clock.advance(Clock::System.now().since(self.env.now()));
    }

    /// Signs in as somebody, through the provider's own pages.
    async fn sign_in(&mut self, name: &str) -> Result<Shown> {
        self.sync();
        let mut page = self.browser.open(&self.ours("/auth/oidc/real")).await?;
        for _ in 0..4 {
            if !page.url.as_str().starts_with(&self.issuer) {
                break;
            }
            ensure!(page.status.is_success(), "{page:?}");
            page = self.browser.submit(&page, &[("login", name), ("password", "any")]).await?;
            self.sync();
        }
        Ok(page)
    }

    /// Who is signed in.
    async fn viewer(&mut self) -> Result<Value> {
        let query = json!({ "query": "{ viewer { name role agency } }" }).to_string();
        let shown = self.browser.post(&self.ours("/graphql"), query).await?;
        let mut answer: Value = serde_json::from_str(&shown.text)?;
        Ok(answer["data"]["viewer"].take())
    }

    /// Tells the provider's script to do something.
    async fn control(&mut self, what: &str, with: &Value) -> Result<()> {
        let url = format!("{}/control/{what}", self.issuer);
        ensure!(self.browser.post(&url, with.to_string()).await?.status.is_success(), "{what}");
        Ok(())
    }

    /// What the newest event of a verb says.
    async fn newest(&self, verb: &str) -> Result<Value> {
        let events = audit::tail(&self.env.db, &Actor::person("root", ActorRole::Admin), 100).await?;
        let event = events.iter().rfind(|event| event.verb == verb).with_context(|| verb.to_owned())?;
        Ok(serde_json::from_str(&event.detail)?)
    }
}

fn settings(issuer: &str, ours: &str) -> Result<ProviderSettings> {
    Ok(ProviderSettings {
        name: "real".into(),
        label: "The real one".into(),
        issuer: issuer.to_owned(),
        client_id: "lockstep".into(),
        client_secret: Some(Secret("a secret of the client".into())),
        scopes: ["openid", "profile", "groups", "offline_access"].map(str::to_owned).to_vec(),
        groups_claim: "groups".into(),
        roles: vec![("leads".into(), ActorRole::Lead), ("desk".into(), ActorRole::Liaison)],
        party: Some("agency:de:example".into()),
        clearance: None,
        algorithms: vec![Algorithm::Rs256],
        roots: Vec::new(),
        timeout: Duration::from_secs(20),
        callback: Url::parse(&format!("{ours}/auth/oidc/real/callback"))?,
        after_sign_out: Url::parse(&format!("{ours}/sign-in"))?,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_lets_in_and_is_asked_again_as_the_session_goes_on() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let mut world = World::start().await?;
    let page = world.sign_in("ana").await?;
    Browser::at(&page, &world.ours("/sign-in"))?;
    let ana = json!({ "name": "real.ana", "role": "LIAISON", "agency": "agency:de:example" });
    assert_eq!(world.viewer().await?, ana);

    // Renewed with the refresh token, twice, since the provider gives another each time.
    for _ in 0..2 {
        world.env.clock.advance(Duration::from_secs(60));
        RefreshSessions {}.run(&world.env).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        assert_eq!(world.viewer().await?, ana);
    }
    // The groups changed there: the next renewal ends what went on with the old role.
    world.control("groups", &json!(["leads"])).await?;
    world.env.clock.advance(Duration::from_secs(60));
    RefreshSessions {}.run(&world.env).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    assert_eq!(world.viewer().await?, Value::Null);
    assert_eq!(world.newest("change_role").await?["is"]["role"], "lead");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_changes_its_key_and_tells_of_both_kinds_of_log_out() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let mut world = World::start().await?;
    world.sign_in("ana").await?;
    assert_eq!(world.viewer().await?["role"], "LIAISON");

    // Out here: out there too, and back on our page.
    let out = world.browser.post(&world.ours("/auth/sign-out"), "{}".into()).await?;
    let goto = serde_json::from_str::<Value>(&out.text)?["goto"].as_str().context("where to")?.to_owned();
    let confirm = world.browser.open(&goto).await?;
    let page = world.browser.submit(&confirm, &[("logout", "yes")]).await?;
    Browser::at(&page, &world.ours("/sign-in"))?;
    assert_eq!(world.viewer().await?, Value::Null);

    // Another key signs from now on: found, though the old one is remembered.
    world.control("rotate", &Value::Null).await?;
    let page = world.sign_in("ana").await?;
    Browser::at(&page, &world.ours("/sign-in"))?;
    assert_eq!(world.viewer().await?["name"], "real.ana");

    // Out there: out here too, by the back channel.
    let confirm = world.browser.open(&format!("{}/session/end", world.issuer)).await?;
    world.browser.submit(&confirm, &[("logout", "yes")]).await?;
    assert_eq!(world.viewer().await?, Value::Null);
    assert_eq!(world.newest("provider_signed_out").await?["sessions"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_real_provider_puts_in_no_group_of_ours_stays_out() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let mut world = World::start().await?;
    world.control("groups", &json!(["canteen"])).await?;
    let page = world.sign_in("bo").await?;
    assert_eq!(page.url.fragment(), Some("no-role:real"));
    assert_eq!(world.viewer().await?, Value::Null);
    assert_eq!(world.newest("refuse_sign_in").await?["wrong"], "no group makes a role");
    Ok(())
}
