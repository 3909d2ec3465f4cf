//! Accounts on platforms that stealers use as dead drops and for exfiltration, read out of their addresses.

/// The account that a URL's host and path name: `steam:7656…`, `steam:id/…`, `telegram:name`,
/// `telegram:bot123`, `discord:webhook/123`.
pub fn of_url(host: &str, path: &str) -> Option<String> {
    let host = host.strip_prefix("www.").unwrap_or(host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut parts = path.split('/').filter(|p| !p.is_empty());
    match host {
        "steamcommunity.com" => match (parts.next()?, parts.next()?) {
            ("profiles", id) if id.len() == 17 && id.bytes().all(|b| b.is_ascii_digit()) => {
                Some(format!("steam:{id}"))
            }
            ("id", name) if is_handle(name, 2) => Some(format!("steam:id/{}", name.to_ascii_lowercase())),
            _ => None,
        },
        "t.me" | "telegram.me" | "telegram.dog" => telegram(parts.next()?, parts.next()),
        "api.telegram.org" => {
            let (id, _token) = parts.next()?.strip_prefix("bot")?.split_once(':')?;
            let is_id = (6..=12).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
            is_id.then(|| format!("telegram:bot{id}"))
        }
        "discord.com" | "discordapp.com" | "ptb.discord.com" | "canary.discord.com" => {
            let rest = path
                .strip_prefix("/api/webhooks/")
                .or_else(|| path.split_once("/webhooks/").map(|(_, r)| r))?;
            let id = rest.split('/').next()?;
            let is_id = (15..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
            is_id.then(|| format!("discord:webhook/{id}"))
        }
        _ => None,
    }
}

/// `t.me/name`, `t.me/s/name`, `t.me/+invitation`, `t.me/joinchat/invitation`, `t.me/c/number`.
fn telegram(first: &str, second: Option<&str>) -> Option<String> {
    match (first, second) {
        ("s", Some(name)) if is_handle(name, 4) => Some(format!("telegram:{}", name.to_ascii_lowercase())),
        ("joinchat", Some(code)) if is_handle(code, 10) => Some(format!("telegram:+{code}")),
        ("c", Some(id)) if id.bytes().all(|b| b.is_ascii_digit()) => Some(format!("telegram:c/{id}")),
        ("s" | "joinchat" | "c" | "share" | "addstickers" | "proxy" | "socks" | "iv" | "login", _) => None,
        (code, _) if code.starts_with('+') && is_handle(&code[1..], 8) => Some(format!("telegram:{code}")),
        (name, _) if is_handle(name, 4) => Some(format!("telegram:{}", name.to_ascii_lowercase())),
        _ => None,
    }
}

fn is_handle(text: &str, least: usize) -> bool {
    (least..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// An account given by itself, in the canonical spelling.
///
/// # Errors
/// It is not `platform:name`.
pub fn parse(text: &str) -> Result<String, String> {
    let (platform, name) = text.split_once(':').ok_or("an account is written `platform:name`")?;
    let plain = |t: &str| !t.is_empty() && t.len() <= 128 && t.bytes().all(|b| b.is_ascii_graphic());
    if !plain(platform) || !plain(name) {
        return Err("an account is written `platform:name`, without spaces".to_owned());
    }
    let platform = platform.to_ascii_lowercase();
    let name = if platform == "telegram" && !name.starts_with('+') {
        name.trim_start_matches('@').to_ascii_lowercase()
    } else {
        name.to_owned()
    };
    Ok(format!("{platform}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dead_drops() {
        for (host, path, account) in [
            ("steamcommunity.com", "/profiles/76561199861614181", Some("steam:76561199861614181")),
            ("steamcommunity.com", "/id/Evil/", Some("steam:id/evil")),
            ("steamcommunity.com", "/app/730", None),
            ("t.me", "/Kazinak010101", Some("telegram:kazinak010101")),
            ("telegram.me", "/s/abcd?x=1", Some("telegram:abcd")),
            ("t.me", "/+AbCdEfGh123", Some("telegram:+AbCdEfGh123")),
            ("t.me", "/joinchat/AbCdEfGh123", Some("telegram:+AbCdEfGh123")),
            ("t.me", "/", None),
            ("api.telegram.org", "/bot123456789:AAAA/sendMessage", Some("telegram:bot123456789")),
            (
                "discord.com",
                "/api/webhooks/123456789012345678/token",
                Some("discord:webhook/123456789012345678"),
            ),
            ("evil.example", "/profiles/76561199861614181", None),
        ] {
            assert_eq!(of_url(host, path).as_deref(), account, "{host}{path}");
        }
        assert_eq!(parse("Telegram:@Evil").as_deref(), Ok("telegram:evil"));
    }
}
