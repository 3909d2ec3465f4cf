//! Sessions go on only as long as their provider vouches for them: a job asks again, no request waits for it. A provider that
//! cannot be asked ends nobody's session; that ends by itself, at the longest (`auth.session_longest`).

use std::{collections::HashSet, time::Duration};

use entities::provider_session;
use serde_json::{Map, Value, json};

use super::{
    ACTOR, Provider, Refused,
    account::{self, Vouched},
    claims::Occasion,
    flow,
    provider::Published,
    session::{self as vouched_for, Tokens},
    wrong::Wrong,
};
use crate::{
    audit,
    env::Env,
    error::Error,
    job::{JobError, Run, kinds::RefreshSessions},
    people::session,
    token,
};

/// Until when a session that is being renewed is left to whoever took it; also how long a provider that is down is let be.
const TAKEN: Duration = Duration::from_secs(2 * 60);

impl Run for RefreshSessions {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        env.seal()?;
        let mut down = HashSet::new();
        for row in vouched_for::waiting(env).await? {
            let name = row.provider.clone();
            if down.contains(&name) || !vouched_for::take(env, &row, env.now().plus(TAKEN)).await? {
                continue;
            }
            let Err(why) = renewed(env, &row).await else { continue };
            tracing::warn!(
                provider = name,
                session = %row.session_id,
                error = &why as &dyn std::error::Error,
                "a session was not renewed"
            );
            match why {
                Refused::Failed(error @ Error::Internal(_)) => return Err(error.into()),
                Refused::Exchange(_) => {
                    down.insert(name);
                }
                Refused::Denied(code) if code == "invalid_grant" => {
                    end(env, &row, "provider vouches no longer", Ends::WithTokens).await?;
                }
                Refused::NoRole => end(env, &row, &why.to_string(), Ends::Everything).await?,
                why => end(env, &row, &why.to_string(), Ends::Session).await?,
            }
        }
        Ok(())
    }
}

/// Asks the provider of a session again.
async fn renewed(env: &Env, row: &provider_session::Model) -> Result<(), Refused> {
    let provider = env.providers.named(&row.provider)?;
    // Sealed under a key that is gone: nothing can renew it.
    let tokens = Tokens::open(env, row).map_err(|_| Wrong::Malformed)?;
    let Some(refresh) = tokens.refresh.as_deref() else { return Ok(()) };
    let published = provider.published(env.now()).await?;
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let given = provider.tokens(&published, &form).await.map_err(Refused::of_one)?;
    let vouched = vouched(env, &provider, &published, &given, (row, &tokens)).await;
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = text("id_token").filter(|_| vouched.is_ok()).unwrap_or(tokens.id);
    let tokens = Tokens { id, refresh: text("refresh_token").or(tokens.refresh), nonce: tokens.nonce };
    let txn = env.begin().await?;
    if vouched_for::lives(env, &txn, row.session_id).await?.is_none() {
        return Ok(());
    }
    let (due, down) = match vouched {
        Ok(vouched) => {
            account::admit(env, &txn, &provider, &vouched).await?;
            (vouched_for::due(env.now(), &given, &tokens), None)
        }
        // The refresh token that was given in counts no more: the next is kept for when the rest can be asked.
        Err(down @ Refused::Exchange(_)) => (Some(env.now().plus(TAKEN)), Some(down)),
        Err(why) => return Err(why),
    };
    vouched_for::renew(env, &txn, row.clone(), (&tokens, due)).await?;
    env.commit(txn).await?;
    down.map_or(Ok(()), Err)
}

/// Whom the provider vouches for by what it gave. It need not give an ID token anew (OpenID Connect Core §12.2): then
/// userinfo says who it is, and one of the two must.
async fn vouched(
    env: &Env,
    provider: &Provider,
    published: &Published,
    given: &Map<String, Value>,
    (row, tokens): (&provider_session::Model, &Tokens),
) -> Result<Vouched, Refused> {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    if let Some(id) = text("id_token") {
        let occasion = Occasion::Refresh { nonce: &tokens.nonce, subject: &row.subject };
        return flow::believed(env, provider, published, (id, given), occasion).await;
    }
    let (Some(at), Some(access)) = (&published.userinfo, text("access_token")) else {
        return Err(Wrong::Subject.into());
    };
    flow::told(provider, at, access, &row.subject).await
}

/// What ends with a provider's word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// The session that was asked about.
    Session,
    /// The same, and every token of its person.
    WithTokens,
    /// All sessions and tokens of its person.
    Everything,
}

/// Ends a session that its provider vouches for no longer.
async fn end(env: &Env, row: &provider_session::Model, why: &str, ends: Ends) -> Result<(), Error> {
    let txn = env.begin().await?;
    if let Some(living) = vouched_for::lives(env, &txn, row.session_id).await? {
        if ends == Ends::Everything {
            session::end_all(&txn, env.now(), living.person_id, None).await?;
        }
        if ends != Ends::Session {
            token::revoke_all(env, &txn, &ACTOR, living.person_id).await?;
        }
        session::end_these(&txn, env.now(), vec![row.session_id]).await?;
        let detail = json!({ "person": living.person_id, "provider": row.provider, "why": why });
        audit::record(&txn, env.now(), &ACTOR, "end_session", row.session_id, detail).await?;
    }
    env.commit(txn).await
}
