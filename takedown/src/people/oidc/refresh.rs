//! Sessions go on only as long as their provider vouches for them: a job asks again, no request waits for it. A provider that
//! cannot be asked ends nobody's session; that ends by itself, at the longest (`auth.session_longest`).

use std::{collections::HashSet, time::Duration};

use entities::provider_session;
use serde_json::{Value, json};

use super::{
    ACTOR, Refused, account,
    claims::Occasion,
    flow,
    session::{self as vouched_for, Tokens},
    wrong::Wrong,
};
use crate::{
    audit,
    env::Env,
    error::Error,
    job::{JobError, Run, kinds::RefreshSessions},
    outside::provider::ExchangeError,
    people::session,
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
                Refused::Exchange(ExchangeError::Refused { error: Some(code), .. })
                    if code == "invalid_grant" =>
                {
                    end(env, &row, "provider vouches no longer", false).await?;
                }
                Refused::Exchange(_) => {
                    down.insert(name);
                }
                why => {
                    let all = matches!(why, Refused::NoRole | Refused::Disabled);
                    end(env, &row, &why.to_string(), all).await?;
                }
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
    let given =
        provider.tokens(&published, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await?;
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    let vouched = match text("id_token") {
        // A provider need not say it anew (OpenID Connect Core §12.2).
        None => None,
        Some(id) => {
            let occasion = Occasion::Refresh { nonce: &tokens.nonce, subject: &row.subject };
            Some((flow::believed(env, &provider, &published, (&id, &given), occasion).await?, id))
        }
    };
    let txn = env.begin().await?;
    if vouched_for::lives(env, &txn, row.session_id).await?.is_none() {
        return Ok(());
    }
    let id = match vouched {
        None => tokens.id.clone(),
        Some((vouched, id)) => {
            account::admit(env, &txn, &provider, &vouched).await?;
            id
        }
    };
    let tokens = Tokens { id, refresh: text("refresh_token").or(tokens.refresh), nonce: tokens.nonce };
    let due = vouched_for::due(env.now(), &given, &tokens);
    vouched_for::renew(env, &txn, row.clone(), (&tokens, due)).await?;
    Ok(env.commit(txn).await?)
}

/// Ends a session that its provider vouches for no longer, or all of its person.
async fn end(env: &Env, row: &provider_session::Model, why: &str, all: bool) -> Result<(), Error> {
    let txn = env.begin().await?;
    if let Some(living) = vouched_for::lives(env, &txn, row.session_id).await? {
        if all {
            session::end_all(&txn, env.now(), living.person_id, None).await?;
        }
        session::end_these(&txn, env.now(), vec![row.session_id]).await?;
        let detail = json!({ "person": living.person_id, "provider": row.provider, "why": why });
        audit::record(&txn, env.now(), &ACTOR, "end_session", row.session_id, detail).await?;
    }
    env.commit(txn).await
}
