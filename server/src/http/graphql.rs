//! `POST /graphql`: one request as JSON, or as multipart with files
//! (<https://github.com/jaydenseric/graphql-multipart-request-spec>).

use async_graphql::http::{MultipartOptions, receive_body};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::Response,
};
use http_body_util::LengthLimitError;
use takedown::{actor::Actor, error::Error};

use super::{App, answer, auth};
use crate::config::Size;

/// The largest number of files in one multipart request.
const FILES_MAX: usize = 8;

/// Executes one request.
pub async fn execute(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    match request(&app, &headers, body).await {
        Ok(request) => {
            let response = app.schema.execute(request).await;
            match serde_json::to_value(&response) {
                Ok(body) => answer::as_json(StatusCode::OK, &body),
                Err(error) => answer::refusal(&Error::internal(error)),
            }
        }
        Err(refused) => *refused,
    }
}

/// Reads a request within its limits. A refusal is boxed for its size.
async fn request(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<async_graphql::Request, Box<Response>> {
    let actor = auth::actor(&app.env, headers).await.map_err(|error| Box::new(answer::refusal(&error)))?;
    let refuse = |status, message: &str| Box::new(answer::failure(status, "INVALID", message));
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let limit = match essence.as_str() {
        "application/json" => app.limits.body_limit,
        // Nobody fills our memory with files.
        "multipart/form-data" if actor == Actor::Nobody => {
            return Err(Box::new(answer::refusal(&Error::Unauthenticated)));
        }
        "multipart/form-data" => app.limits.upload_limit,
        _ => {
            let message = "send the request as application/json, or as multipart/form-data with files";
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    };
    let body = read(headers, body, limit).await.map_err(|(status, message)| refuse(status, &message))?;
    // The reader would take a list for the fields in order.
    if essence == "application/json" && body.trim_ascii_start().first() != Some(&b'{') {
        return Err(refuse(StatusCode::BAD_REQUEST, "not a GraphQL request: one JSON object is expected"));
    }
    let options = MultipartOptions::default().max_file_size(limit.bytes()).max_num_files(FILES_MAX);
    let request = receive_body(Some(kind), futures::io::Cursor::new(&body), options)
        .await
        .map_err(|error| refuse(StatusCode::BAD_REQUEST, &format!("not a GraphQL request: {error}")))?;
    Ok(::graphql::request(request, app.env.clone(), actor))
}

/// The whole body, if it is within `limit`.
async fn read(headers: &HeaderMap, body: Body, limit: Size) -> Result<Bytes, (StatusCode, String)> {
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, format!("the request is larger than {limit}"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit.0) {
        return Err(too_large());
    }
    to_bytes(body, limit.bytes()).await.map_err(|error| {
        let over =
            std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>);
        if over { too_large() } else { (StatusCode::BAD_REQUEST, "the body did not arrive whole".into()) }
    })
}
