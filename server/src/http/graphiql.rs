//! GraphiQL, from the binary: no other server is asked. Its packages are there if npm was where the binary was built.

use axum::{
    extract::Path,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};

use super::answer;

include!(concat!(env!("OUT_DIR"), "/graphiql.rs"));

/// Our own files.
const OURS: [(&str, &str, &[u8]); 2] = [
    ("page.css", "text/css", include_bytes!("../../graphiql/page.css")),
    ("page.js", "text/javascript", include_bytes!("../../graphiql/page.js")),
];
const PAGE: &str = include_str!("../../graphiql/page.html");

/// What the page may load: nothing that is not ours. The editor writes styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Whether a browser asks for a page, and there is one.
pub fn wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    !PACKAGES.is_empty() && accept.split(',').any(|range| range.trim().starts_with("text/html"))
}

/// The page.
pub fn page() -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)], PAGE).into_response()
}

/// A file of the page.
pub async fn file(Path(name): Path<String>) -> Response {
    let known = OURS.iter().chain(PACKAGES).find(|(known, ..)| *known == name);
    match known {
        Some((_, kind, bytes)) if !PACKAGES.is_empty() => {
            ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *bytes).into_response()
        }
        _ => answer::failure(StatusCode::NOT_FOUND, "NOT_FOUND", "this binary was built without GraphiQL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        assert!(!PAGE.contains("http:") && !PAGE.contains("https:") && !PAGE.contains("//"));
        let names: Vec<_> = OURS.iter().chain(PACKAGES).map(|(name, ..)| *name).collect();
        let asked = PAGE.split("\"/graphiql/").skip(1).filter_map(|rest| rest.split('"').next());
        for name in asked {
            assert!(PACKAGES.is_empty() || names.contains(&name), "{name}");
        }
    }
}
