//! graphql-transport-ws (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>). One task per socket does
//! everything, so that when the client leaves, all its operations are dropped with it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::Response,
};
use futures::{
    Stream, StreamExt,
    future::{AbortHandle, Abortable},
    stream::{BoxStream, SelectAll, once},
};
use serde_json::{Map, Value, json};
use takedown::{
    actor::Actor,
    error::Error,
    people::{Device, session},
    token,
};
use tokio::{sync::OwnedSemaphorePermit, time::Instant as Now};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{App, Outcome, Sockets, operation, params::Params};
use crate::http::{
    answer, auth,
    rate::{self, Asker, Rates},
};

/// The subprotocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// Operations of one socket at a time.
const OPERATIONS: usize = 100;
/// The longest id of an operation.
const ID_MAX: usize = 256;
/// How often the client is pinged and its token looked at again.
const PULSE: Duration = Duration::from_secs(15);
/// Pulses without a word from the client after which it is gone.
const PATIENCE: u32 = 3;
/// How long a client may take to take a message.
const SLOW: Duration = Duration::from_secs(30);

/// How long a client that says goodbye may take to be gone.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes over the limit that are still read.
const SLACK: usize = 64 << 10;

/// Why a socket is closed by us.
type Close = (u16, &'static str);

const BAD: Close = (4400, "Invalid message");
const TOO_BIG: Close = (1009, "Message too big");
const FORBIDDEN: Close = (4403, "Forbidden");
/// The database does not answer: nobody was refused (RFC 6455 registry, 1013).
const LATER: Close = (1013, "Try again later");

/// Answers the handshake. Who asks may be said in its header or in `connection_init`.
pub(super) async fn open(
    app: App,
    (sockets, rates): (Sockets, Rates),
    upgrade: WebSocketUpgrade,
    headers: &HeaderMap,
    device: Device,
    open: Option<TaskTrackerToken>,
) -> Response {
    // A cookie is taken from a page of ours only, here as everywhere: else any page could listen as its visitor.
    let actor = match auth::caller(&app.env, headers, &device).await {
        Ok(caller) => caller.actor,
        Err(error) => {
            return match rates.take(Asker::address(device.address), Now::now()) {
                Ok(()) => answer::refusal(&error),
                Err(wait) => rate::too_often(wait),
            };
        }
    };
    let asker = Asker::of(headers, device.address);
    if let Err(wait) = rates.take(asker.clone(), Now::now()) {
        return rate::too_often(wait);
    }
    let places = if actor == Actor::Nobody { &sockets.unknown } else { &sockets.known };
    let Ok(place) = places.clone().try_acquire_owned() else {
        let message = "too many sockets are open: try again";
        return answer::failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
    };
    let place = Place { sockets, known: actor != Actor::Nobody, _held: place };
    let given = match headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        Some(value) => Given::Authorization(value.to_owned()),
        None => auth::cookie(headers, auth::SESSION)
            .map_or(Given::Nothing, |secret| Given::Cookie(secret.to_owned())),
    };
    // A little more than is taken: a message that is just too big is read to its end and told so, a larger one cut off.
    let limit = app.limits.body_limit.bytes().saturating_add(SLACK);
    upgrade.protocols([PROTOCOL]).max_message_size(limit).max_frame_size(limit).on_upgrade(
        move |socket| async move {
            // Until it is closed the process does not end, within its grace.
            let _open = open;
            Session::new(app, given, device, place, (rates, asker)).run(socket).await;
        },
    )
}

/// The place that a socket takes.
struct Place {
    sockets: Sockets,
    /// Whether it is one of those who said who they are.
    known: bool,
    _held: OwnedSemaphorePermit,
}

impl Place {
    /// Changes to a place of those who are known.
    fn become_known(&mut self) -> Result<(), Close> {
        if !self.known {
            let held = self.sockets.known.clone().try_acquire_owned().map_err(|_| LATER)?;
            (self.known, self._held) = (true, held);
        }
        Ok(())
    }
}

/// By what a client says who it is.
enum Given {
    /// By its `Authorization`.
    Authorization(String),
    /// By the session of its cookie.
    Cookie(String),
    /// By nothing.
    Nothing,
}

/// What an operation has to say.
enum Event {
    /// An answer, as JSON text.
    Next(String),
    /// The operation was refused: the list of errors.
    Error(Value),
    Complete,
}

/// One client.
struct Session {
    app: App,
    /// What it came with, or sent.
    given: Given,
    /// From where.
    device: Device,
    place: Place,
    /// What counts its operations, and for whom.
    rates: Rates,
    asker: Asker,
    /// Who it is, once `connection_init` was answered.
    actor: Option<Actor>,
    running: HashMap<String, AbortHandle>,
    events: SelectAll<BoxStream<'static, (String, Event)>>,
}

impl Session {
    fn new(app: App, given: Given, device: Device, place: Place, (rates, asker): (Rates, Asker)) -> Self {
        let (running, events) = (HashMap::new(), SelectAll::new());
        Self { app, given, device, place, rates, asker, actor: None, running, events }
    }

    async fn run(mut self, mut socket: WebSocket) {
        let (code, reason) = if socket.protocol().is_none_or(|name| name != PROTOCOL) {
            (4406, "Subprotocol not acceptable")
        } else {
            match self.talk(&mut socket).await {
                Ok(()) => return,
                Err(close) => close,
            }
        };
        let frame = CloseFrame { code, reason: reason.into() };
        let _ = tokio::time::timeout(SLOW, socket.send(Message::Close(Some(frame)))).await;
    }

    /// Until the client is gone, or does what ends the conversation.
    async fn talk(&mut self, socket: &mut WebSocket) -> Result<(), Close> {
        let opened = Instant::now();
        let patience = self.app.limits.header_timeout.0;
        let (mut pulse, mut heard) = (tokio::time::interval(PULSE), Instant::now());
        pulse.reset();
        let stop = self.app.stop.clone();
        loop {
            let late = patience.saturating_sub(opened.elapsed());
            tokio::select! {
                () = stop.cancelled() => return Err((1001, "The server stops")),
                () = tokio::time::sleep(late), if self.actor.is_none() => {
                    return Err((4408, "Connection initialisation timeout"));
                }
                message = socket.recv() => {
                    heard = Instant::now();
                    match message {
                        None => return Ok(()),
                        Some(Err(error)) => return too_big(&error),
                        Some(Ok(Message::Text(text))) if text.len() > self.app.limits.body_limit.bytes() => {
                            return Err(TOO_BIG);
                        }
                        Some(Ok(Message::Text(text))) => {
                            if let Some(reply) = self.hear(&text).await? {
                                send(socket, reply.to_string()).await?;
                            }
                        }
                        Some(Ok(Message::Close(_))) => {
                            // Read on, so that the close is answered.
                            let _ = tokio::time::timeout(FAREWELL, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
                            return Ok(());
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Err(BAD),
                    }
                }
                Some((id, event)) = self.events.next(), if !self.events.is_empty() => {
                    if let Some(reply) = self.tell(&id, event) {
                        send(socket, reply).await?;
                    }
                }
                _ = pulse.tick() => {
                    if heard.elapsed() > PULSE * PATIENCE {
                        return Err((4408, "Nothing was heard for too long"));
                    }
                    self.still_known().await?;
                    let ping = socket.send(Message::Ping(axum::body::Bytes::new()));
                    if !matches!(tokio::time::timeout(SLOW, ping).await, Ok(Ok(()))) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// One message of the client; what to answer at once.
    async fn hear(&mut self, text: &str) -> Result<Option<Value>, Close> {
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else { return Err(BAD) };
        let kind = message.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        match kind.as_str() {
            "connection_init" => self.init(message.get("payload")).await.map(Some),
            "ping" => {
                let mut pong = Map::from_iter([("type".to_owned(), json!("pong"))]);
                pong.extend(message.remove("payload").map(|payload| ("payload".to_owned(), payload)));
                Ok(Some(Value::Object(pong)))
            }
            "pong" => Ok(None),
            "subscribe" => self.subscribe(&mut message).map(|()| None),
            "complete" => {
                if let Some(handle) = self.running.remove(id(&message)?) {
                    handle.abort();
                }
                Ok(None)
            }
            _ => Err(BAD),
        }
    }

    async fn init(&mut self, payload: Option<&Value>) -> Result<Value, Close> {
        if self.actor.is_some() {
            return Err((4429, "Too many initialisation requests"));
        }
        let said = match payload {
            None | Some(Value::Null) => None,
            Some(Value::Object(payload)) => {
                let said = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
                said.map(|(_, value)| value.as_str().map(str::to_owned).ok_or(FORBIDDEN)).transpose()?
            }
            Some(_) => return Err(BAD),
        };
        if let Some(said) = said {
            self.asker = Asker::secret(&said);
            self.given = Given::Authorization(said);
        }
        let actor = who(&self.app, &self.given, &self.device).await?;
        // Nobody has anything to listen to, and sockets are few.
        if actor == Actor::Nobody {
            return Err(FORBIDDEN);
        }
        self.place.become_known()?;
        self.actor = Some(actor);
        Ok(json!({ "type": "connection_ack" }))
    }

    /// A token that was revoked or has expired ends the conversation.
    async fn still_known(&mut self) -> Result<(), Close> {
        let now = match who(&self.app, &self.given, &self.device).await {
            // Asked again in a moment; what it asks for meanwhile fails by itself.
            Err(LATER) => return Ok(()),
            now => now?,
        };
        if self.actor.as_ref().is_some_and(|actor| *actor != now) { Err(FORBIDDEN) } else { Ok(()) }
    }

    fn subscribe(&mut self, message: &mut Map<String, Value>) -> Result<(), Close> {
        let Some(actor) = self.actor.clone() else { return Err((4401, "Unauthorized")) };
        let id = id(message)?.to_owned();
        if self.running.contains_key(&id) {
            return Err((4409, "Subscriber already exists"));
        }
        let payload = message.remove("payload").ok_or(BAD)?;
        let request = Params::from_value(payload).map_err(|_| BAD)?.into_request();
        let refuse = |code: &str, message: String| {
            let error = json!([{ "message": message, "extensions": { "code": code } }]);
            once(async { Event::Error(error) }).boxed()
        };
        let events = if self.running.len() >= OPERATIONS {
            refuse("TOO_COSTLY", format!("a socket runs at most {OPERATIONS} operations at a time"))
        } else if let Err(wait) = self.rates.take(self.asker.clone(), Now::now()) {
            refuse("RATE_LIMITED", format!("too many operations: wait {} s", wait.as_secs() + 1))
        } else {
            self.events(request, actor)
        };
        let (handle, registration) = AbortHandle::new_pair();
        self.running.insert(id.clone(), handle);
        let named = Abortable::new(events, registration).map(move |event| (id.clone(), event));
        self.events.push(named.boxed());
        Ok(())
    }

    /// All that an operation will say.
    fn events(&self, request: async_graphql::Request, actor: Actor) -> BoxStream<'static, Event> {
        let end = once(async { Event::Complete });
        match operation::ready(&self.app, request, actor, true) {
            Err(refused) => once(async { said(refused) }).boxed(),
            Ok(ready) if ready.streams() => ended_by_error(ready.stream(&self.app)).chain(end).boxed(),
            Ok(ready) => {
                let app = self.app.clone();
                let trace = self.app.env.id::<uuid::Uuid>().simple().to_string();
                let executed = async move { takedown::job::traced(trace, ready.execute(&app)).await };
                once(async { said(executed.await) }).chain(end).boxed()
            }
        }
    }

    /// What to send for an event; the operation ends with an error as with a completion.
    fn tell(&mut self, id: &str, event: Event) -> Option<String> {
        if !self.running.contains_key(id) {
            return None;
        }
        Some(match event {
            Event::Next(payload) => {
                format!("{{\"id\":{},\"type\":\"next\",\"payload\":{payload}}}", Value::from(id))
            }
            Event::Error(errors) => {
                if let Some(handle) = self.running.remove(id) {
                    handle.abort();
                }
                json!({ "id": id, "type": "error", "payload": errors }).to_string()
            }
            Event::Complete => {
                self.running.remove(id);
                json!({ "id": id, "type": "complete" }).to_string()
            }
        })
    }
}

/// Who that is; nobody by nothing.
async fn who(app: &App, given: &Given, device: &Device) -> Result<Actor, Close> {
    let known = match given {
        Given::Nothing => return Ok(Actor::Nobody),
        // The handshake was the use.
        Given::Cookie(secret) => session::unused(&app.env, secret).await.map(|(actor, _)| actor),
        Given::Authorization(given) => {
            let (scheme, secret) = given.split_once(' ').ok_or(FORBIDDEN)?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(FORBIDDEN);
            }
            token::actor(&app.env, secret.trim(), device.address).await
        }
    };
    known.map_err(|error| match error {
        Error::Unauthenticated => FORBIDDEN,
        _ => LATER,
    })
}

fn said(outcome: Outcome) -> Event {
    match outcome {
        Outcome::Executed(answer) => Event::Next(answer),
        Outcome::Refused(mut answer) | Outcome::TooLate(mut answer) => Event::Error(answer["errors"].take()),
    }
}

/// A subscription whose source fails says so with `error`, and that is its end.
fn ended_by_error(
    answers: impl Stream<Item = Result<String, Value>> + Send + 'static,
) -> impl Stream<Item = Event> + Send {
    answers.map(|answer| answer.map_or_else(Event::Error, Event::Next))
}

fn id(message: &Map<String, Value>) -> Result<&str, Close> {
    let id = message.get("id").and_then(Value::as_str);
    id.filter(|id| !id.is_empty() && id.len() <= ID_MAX).ok_or(BAD)
}

/// A message over the limit is told as such; any other break needs no word.
fn too_big(error: &axum::Error) -> Result<(), Close> {
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if text.contains("too long") || text.contains("too big") || text.contains("Space limit") {
        return Err(TOO_BIG);
    }
    Ok(())
}

async fn send(socket: &mut WebSocket, message: String) -> Result<(), Close> {
    let sent = socket.send(Message::text(message));
    match tokio::time::timeout(SLOW, sent).await {
        Ok(Ok(())) => Ok(()),
        _ => Err((1001, "The client does not listen")),
    }
}
