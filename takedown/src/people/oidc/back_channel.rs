//! A provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).

use serde_json::json;

use super::{ACTOR, Provider, Refused, claims, session as vouched_for, spent, wrong::Wrong};
use crate::{audit, env::Env, people::session};

/// Ends the sessions that a logout token is about, and says how many lived.
///
/// # Errors
/// The token is not believed, or was shown before.
pub async fn back_channel(env: &Env, provider: &Provider, token: &str) -> Result<usize, Refused> {
    let (claims, _) = provider.verified(env.now(), token, &["jwt", "logout+jwt"]).await?;
    let logout = claims::logout_token(&claims, provider.expected(env.now()))?;
    let settings = &provider.settings;
    let txn = env.begin().await?;
    let once = format!("{} {}", settings.issuer, logout.jti);
    if !spent::spend(&txn, "logout", &once, logout.until).await? {
        return Err(Wrong::Replayed.into());
    }
    let sessions = vouched_for::meant(env, &txn, &settings.issuer, &logout).await?;
    if !sessions.is_empty() {
        session::end_these(&txn, env.now(), sessions.clone()).await?;
        let about = format!("provider:{}", settings.name);
        let detail = json!({ "sessions": sessions });
        audit::record(&txn, env.now(), &ACTOR, "provider_signed_out", about, detail).await?;
    }
    env.commit(txn).await?;
    Ok(sessions.len())
}
