//! What the books of async-graphql and sea-orm show: an object for each entity, a loader for each relation. It asks
//! nobody for rights.
#![expect(clippy::disallowed_methods, reason = "as others build it: it sees everything")]

use std::{collections::HashMap, sync::Arc};

use anyhow::Result;
use async_graphql::{
    ComplexObject, Context, EmptyMutation, EmptySubscription, Object, Schema, SimpleObject,
    connection::{Connection, Edge},
    dataloader::{DataLoader, Loader},
};
use axum::{Json, Router, extract::State, routing::post};
use entities::{ObservableId, ObservableKind, link, observable};
use sea_orm::{
    ColumnTrait, ConnectOptions, Database, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::load::{Asked, POOL, Stop};

const QUERY: &str = "{ observables(first: 100) { edges { node { \
    id kind value state links(first: 20) { id kind lastSeen to { id kind value } } } } } }";

type Stock = Schema<Query, EmptyMutation, EmptySubscription>;

/// Serves the database at `url` on a port of its own, over a pool as the book opens it, as large as ours.
pub async fn serve(url: &str) -> Result<Asked> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(POOL).sqlx_logging(false);
    let db = Database::connect(options).await?;
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
        .data(DataLoader::new(Links(db.clone()), tokio::spawn))
        .data(DataLoader::new(Observables(db.clone()), tokio::spawn))
        .data(db)
        .finish();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/graphql", listener.local_addr()?);
    let router = Router::new().route("/graphql", post(answer)).with_state(schema);
    let stop = CancellationToken::new();
    let ended = stop.clone();
    tokio::spawn(async move {
        let served =
            axum::serve(listener, router).with_graceful_shutdown(async move { ended.cancelled().await });
        let _ = served.await;
    });
    Ok(Asked {
        url,
        headers: Vec::new(),
        query: QUERY.into(),
        names: "/data/observables/edges",
        links: "/node/links",
        stop: Stop::Task(stop.drop_guard()),
    })
}

async fn answer(
    State(schema): State<Stock>,
    Json(request): Json<async_graphql::Request>,
) -> Json<async_graphql::Response> {
    Json(schema.execute(request).await)
}

struct Query;

#[Object]
impl Query {
    async fn observables(
        &self,
        ctx: &Context<'_>,
        first: u64,
    ) -> async_graphql::Result<Connection<String, Observable>> {
        let rows = observable::Entity::find()
            .filter(observable::Column::Kind.eq(ObservableKind::DomainName))
            .order_by_asc(observable::Column::Id)
            .limit(first)
            .all(ctx.data::<DatabaseConnection>()?)
            .await?;
        let mut connection = Connection::new(false, rows.len() as u64 == first);
        connection
            .edges
            .extend(rows.into_iter().map(|row| Edge::new(row.id.to_string(), Observable::of(row))));
        Ok(connection)
    }
}

#[derive(Clone, SimpleObject)]
#[graphql(complex)]
struct Observable {
    id: String,
    kind: String,
    value: String,
    state: String,
    #[graphql(skip)]
    key: ObservableId,
}

impl Observable {
    fn of(row: observable::Model) -> Self {
        let (kind, state) = (row.kind.to_string(), row.state.to_string());
        Self { id: row.id.to_string(), kind, value: row.value, state, key: row.id }
    }
}

#[ComplexObject]
impl Observable {
    async fn links(&self, ctx: &Context<'_>, first: usize) -> async_graphql::Result<Vec<Link>> {
        let links = ctx.data::<DataLoader<Links>>()?.load_one(self.key).await?.unwrap_or_default();
        Ok(links.into_iter().take(first).collect())
    }
}

#[derive(Clone, SimpleObject)]
#[graphql(complex)]
struct Link {
    id: String,
    kind: String,
    last_seen: String,
    #[graphql(skip)]
    to_id: ObservableId,
}

#[ComplexObject]
impl Link {
    async fn to(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Observable>> {
        Ok(ctx.data::<DataLoader<Observables>>()?.load_one(self.to_id).await?)
    }
}

struct Links(DatabaseConnection);

impl Loader<ObservableId> for Links {
    type Value = Vec<Link>;
    type Error = Arc<DbErr>;

    async fn load(&self, of: &[ObservableId]) -> Result<HashMap<ObservableId, Vec<Link>>, Arc<DbErr>> {
        let rows = link::Entity::find()
            .filter(link::Column::FromId.is_in(of.iter().copied()))
            .order_by_asc(link::Column::FirstSeen)
            .all(&self.0)
            .await?;
        let mut links: HashMap<_, Vec<Link>> = HashMap::new();
        for row in rows {
            links.entry(row.from_id).or_default().push(Link {
                id: row.id.to_string(),
                kind: row.kind.to_string(),
                last_seen: row.last_seen.to_string(),
                to_id: row.to_id,
            });
        }
        Ok(links)
    }
}

struct Observables(DatabaseConnection);

impl Loader<ObservableId> for Observables {
    type Value = Observable;
    type Error = Arc<DbErr>;

    async fn load(&self, of: &[ObservableId]) -> Result<HashMap<ObservableId, Observable>, Arc<DbErr>> {
        let rows = observable::Entity::find()
            .filter(observable::Column::Id.is_in(of.iter().copied()))
            .all(&self.0)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, Observable::of(row))).collect())
    }
}
