//! Which of the two media types a client wants, and the answer in it. `application/json` is the older one: there a
//! refused document is status 200, since a client could not tell it from a proxy's error otherwise.

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CONTENT_TYPE, VARY},
    },
    response::{IntoResponse, Response},
};

use super::operation::Outcome;

/// What the answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`.
    Json,
    /// `application/graphql-response+json`.
    Graphql,
}

/// What the client accepts most; JSON if it does not say. `None`: neither.
pub(super) fn media(headers: &HeaderMap) -> Option<Media> {
    let mut best: Option<(f32, Media)> = None;
    let mut said = false;
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let kind = parts.next().unwrap_or_default();
            if kind.is_empty() {
                continue;
            }
            said = true;
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            let media = match kind.as_str() {
                "application/graphql-response+json" => Media::Graphql,
                "application/json" | "application/*" | "*/*" => Media::Json,
                _ => continue,
            };
            if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, media));
            }
        }
    }
    if said { best.map(|(_, media)| media) } else { Some(Media::Json) }
}

impl Media {
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Graphql => "application/graphql-response+json; charset=utf-8",
        }
    }

    /// The answer to a request that could be read.
    pub(super) fn answer(self, outcome: Outcome) -> Response {
        let (status, body) = match outcome {
            Outcome::Executed(body) => (StatusCode::OK, body),
            Outcome::Refused(body) if self == Self::Graphql => (StatusCode::BAD_REQUEST, body.to_string()),
            Outcome::Refused(body) => (StatusCode::OK, body.to_string()),
            Outcome::TooLate(body) => (StatusCode::GATEWAY_TIMEOUT, body.to_string()),
        };
        self.stamp((status, body).into_response())
    }

    /// The same answer under this media type.
    pub(super) fn stamp(self, mut answer: Response) -> Response {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.name()));
        answer.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_type_is_taken() {
        let graphql = Some(Media::Graphql);
        let json = Some(Media::Json);
        for (accept, expected) in [
            ("application/graphql-response+json", graphql),
            ("application/json", json),
            ("*/*", json),
            ("application/graphql-response+json, application/json", graphql),
            ("application/json, application/graphql-response+json", json),
            ("application/json;q=0.5, application/graphql-response+json; q=0.9", graphql),
            ("application/graphql-response+json;q=0, */*;q=0.1", json),
            ("APPLICATION/JSON; charset=utf-8", json),
            ("text/html", None),
            ("", json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(media(&headers), expected, "{accept}");
        }
        assert_eq!(media(&HeaderMap::new()), json);
    }
}
