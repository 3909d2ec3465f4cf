//! WebSockets from outside: who may open one, what places they take, and that the end waits for them. And how often one may
//! ask, over either way.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

use super::{
    people::{app_with_people, cookie},
    *,
};

/// Bytes that a narrow socket holds for who does not read.
const ROOM: u32 = 4 << 10;

/// A server on a port of its own.
struct Served {
    port: u16,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

async fn served(app: &App) -> Served {
    served_by(app, TcpListener::bind("127.0.0.1:0").await.expect("a port"))
}

fn served_by(app: &App, listener: TcpListener) -> Served {
    let port = listener.local_addr().expect("an address").port();
    let (stop, limits, router) = (app.stop.clone(), app.limits.clone(), router(app.clone()));
    let ended = stop.clone();
    let done = tokio::spawn(async move {
        serve(listener, router, &limits, None, ended, Duration::from_secs(30)).await;
    });
    Served { port, stop, done }
}

/// A client; the status with which its handshake was answered.
async fn open(served: &Served, headers: &[(&str, &str)]) -> (u16, TcpStream) {
    open_by(served, TcpSocket::new_v4().expect("a socket"), headers).await
}

async fn open_by(served: &Served, socket: TcpSocket, headers: &[(&str, &str)]) -> (u16, TcpStream) {
    let mut stream = socket.connect(([127, 0, 0, 1], served.port).into()).await.expect("connected");
    let mut request = format!(
        "GET /graphql HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: graphql-transport-ws\r\n",
        served.port
    );
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all((request + "\r\n").as_bytes()).await.expect("written");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8(head).expect("text");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), stream)
}

/// Sends a short text, masked with zeros (RFC 6455 §5.2).
async fn say(stream: &mut TcpStream, message: &Value) {
    let text = message.to_string();
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("a short text");
    let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
    stream.write_all(&frame).await.expect("written");
}

/// The next text, or the code with which the socket is closed.
async fn hear(stream: &mut TcpStream) -> Result<Value, u16> {
    let kind = stream.read_u8().await.expect("a frame") & 0x0f;
    let length = match stream.read_u8().await.expect("a length") {
        126 => usize::from(stream.read_u16().await.expect("a length")),
        127 => usize::try_from(stream.read_u64().await.expect("a length")).expect("a length"),
        short => usize::from(short),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    match kind {
        1 => Ok(serde_json::from_slice(&body).expect("JSON")),
        8 => Err(u16::from_be_bytes([body[0], body[1]])),
        other => panic!("a frame of kind {other}"),
    }
}

fn greeting(secret: Option<&str>) -> Value {
    match secret {
        Some(secret) => {
            json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {secret}") } })
        }
        None => json!({ "type": "connection_init" }),
    }
}

fn ack() -> Result<Value, u16> {
    Ok(json!({ "type": "connection_ack" }))
}

#[tokio::test]
async fn a_cookie_opens_a_socket_for_a_page_of_ours_only() {
    let app = app_with_people(&[]).await;
    let (cookie, served) = (cookie(&app, "ana").await, served(&app).await);
    let own = format!("http://127.0.0.1:{}", served.port);
    for (origin, status) in
        [(Some(own.as_str()), 101), (Some("https://evil.example"), 403), (Some("null"), 403), (None, 403)]
    {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let (found, mut stream) = open(&served, &headers).await;
        assert_eq!(found, status, "{origin:?}");
        if status == 101 {
            say(&mut stream, &greeting(None)).await;
            assert_eq!(hear(&mut stream).await, ack());
        }
    }
    // Without a cookie a foreign page is nobody, who is let go.
    let (found, mut stream) = open(&served, &[("origin", "https://evil.example")]).await;
    assert_eq!(found, 101);
    say(&mut stream, &greeting(None)).await;
    assert_eq!(hear(&mut stream).await, Err(4403));
    served.done.abort();
}

#[tokio::test]
async fn who_did_not_say_who_it_is_takes_nobodys_place() {
    let app = app(&[("LOCKSTEP__HTTP__SOCKETS", "1")]).await;
    let (_, secret) = token(&app).await;
    let served = served(&app).await;
    let (status, mut waiting) = open(&served, &[]).await;
    assert_eq!(status, 101);
    assert_eq!(open(&served, &[]).await.0, 503, "there are few places for nobody, too");
    let bearer = format!("Bearer {secret}");
    let (status, mut known) = open(&served, &[("authorization", &bearer)]).await;
    assert_eq!(status, 101, "nobody took no place of hers");
    say(&mut known, &greeting(None)).await;
    assert_eq!(hear(&mut known).await, ack());
    assert_eq!(open(&served, &[("authorization", &bearer)]).await.0, 503);
    // Says who it is when all places are taken: later.
    say(&mut waiting, &greeting(Some(&secret))).await;
    assert_eq!(hear(&mut waiting).await, Err(1013));
    served.done.abort();
}

#[tokio::test]
async fn the_end_waits_until_sockets_were_told() {
    let app = app(&[]).await;
    let (_, secret) = token(&app).await;
    // Between the two there is room for less than the answer, so that it waits for a client that does not read.
    let narrow = || {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_send_buffer_size(ROOM).expect("a size");
        socket.set_recv_buffer_size(ROOM).expect("a size");
        socket
    };
    let listening = narrow();
    listening.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let served = served_by(&app, listening.listen(8).expect("a listener"));
    let (_, mut stream) = open_by(&served, narrow(), &[]).await;
    say(&mut stream, &greeting(Some(&secret))).await;
    assert_eq!(hear(&mut stream).await, ack());
    let query = "{__schema{types{name description fields{name description}}}}";
    say(&mut stream, &json!({ "type": "subscribe", "id": "1", "payload": { "query": query } })).await;
    stream.peek(&mut [0]).await.expect("the beginning of an answer");

    served.stop.cancel();
    // Whoever does not wait is done after a few turns.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(!served.done.is_finished(), "the end came before the socket was told");
    let answer = hear(&mut stream).await.expect("the answer");
    assert!(answer.to_string().len() > 8 * ROOM as usize, "{} is too short", answer.to_string().len());
    while hear(&mut stream).await != Err(1001) {}
    served.done.await.expect("served to the end");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let limits = [("LOCKSTEP__HTTP__RATE_PER_MINUTE", "1"), ("LOCKSTEP__HTTP__RATE_BURST", "3")];
    let app = app(&limits).await;
    let (_, ana) = token(&app).await;
    let (_, bo) = token(&app).await;
    let router = router(app.clone());
    let ask = async |secret: Option<&str>| {
        let bearer = secret.map(|secret| format!("Bearer {secret}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        router.clone().oneshot(post(&headers, QUERY)).await.expect("an answer")
    };
    for _ in 0..3 {
        assert_eq!(ask(Some(&ana)).await.status(), StatusCode::OK);
    }
    let slow = ask(Some(&ana)).await;
    assert_eq!(slow.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = slow.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(json(slow).await["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(ask(Some(&bo)).await.status(), StatusCode::OK, "another token");
    // Guesses at tokens are counted by where they come from, as nobody is.
    for n in 0..3 {
        assert_eq!(ask(Some(&format!("lks_guess{n}"))).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(Some("lks_another")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(None).await.status(), StatusCode::TOO_MANY_REQUESTS);

    // Over a socket, its opening counts too.
    let served = served(&app).await;
    let (_, mut stream) = open(&served, &[]).await;
    say(&mut stream, &greeting(Some(&bo))).await;
    assert_eq!(hear(&mut stream).await, ack());
    for n in 0..4 {
        let operation =
            json!({ "type": "subscribe", "id": n.to_string(), "payload": { "query": "{ __typename }" } });
        say(&mut stream, &operation).await;
        let told = hear(&mut stream).await.expect("a message");
        if n < 3 {
            assert_eq!(told["type"], "next", "{told}");
            assert_eq!(hear(&mut stream).await.expect("a message")["type"], "complete");
        } else {
            assert_eq!(told["payload"][0]["extensions"]["code"], "RATE_LIMITED", "{told}");
        }
    }
    served.done.abort();
}
