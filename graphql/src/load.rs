//! Asking for what many rows of an answer need, in one statement.
//!
//! A timer would decide by chance which keys go together. Here the request itself does: [`Driven`] polls the execution
//! until nothing in it can go on without a batch, and only then loads, everything that waits at once. So the number of
//! statements depends on the document alone, nobody waits for a timer, and what is loaded is dropped with the request.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    hash::Hash,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context as Poller, Poll, Wake, Waker},
};

use async_graphql::{Context, dataloader::Loader};
use futures::{
    FutureExt, Stream, StreamExt, channel::oneshot, future::BoxFuture, stream::FuturesUnordered,
    task::AtomicWaker,
};
use takedown::{error::Error, reads::Slice};

use crate::{
    error::{ApiError, Result},
    loaders::Batch,
};

/// Keys of one statement: above what one level of an answer can have, below what a statement can bind.
const MOST: usize = 20_000;

/// An error that several resolvers of one batch share.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
struct Shared(#[source] Arc<Error>);

type Answer<V> = std::result::Result<Option<V>, Shared>;

/// What the resolvers of one request wait for.
pub struct Loads {
    batch: Arc<Batch>,
    waiting: Mutex<HashMap<TypeId, Box<dyn Waiting>>>,
}

/// Keys of one kind that wait.
trait Waiting: Any + Send {
    /// The load of all of them; none if none waits.
    fn load(&mut self, batch: &Arc<Batch>) -> Option<BoxFuture<'static, ()>>;
    fn keys(&mut self) -> &mut dyn Any;
}

type Asked<K> = Vec<(K, oneshot::Sender<Answer<<Batch as Loader<K>>::Value>>)>;

struct Keys<K: Send + Sync + Hash + Eq + Clone + 'static>(Asked<K>)
where
    Batch: Loader<K, Error = Arc<Error>>;

impl<K> Waiting for Keys<K>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Loader<K, Error = Arc<Error>>,
{
    fn load(&mut self, batch: &Arc<Batch>) -> Option<BoxFuture<'static, ()>> {
        if self.0.is_empty() {
            return None;
        }
        let left = self.0.split_off(self.0.len().min(MOST));
        let (asked, batch) = (std::mem::replace(&mut self.0, left), batch.clone());
        Some(
            async move {
                let mut keys: Vec<K> = asked.iter().map(|(key, _)| key.clone()).collect();
                let mut seen = std::collections::HashSet::with_capacity(keys.len());
                keys.retain(|key| seen.insert(key.clone()));
                let mut found = Loader::<K>::load(&*batch, &keys).await.map_err(Shared);
                let once = keys.len() == asked.len();
                for (key, waits) in asked {
                    let answer = match &mut found {
                        Ok(found) if once => Ok(found.remove(&key)),
                        Ok(found) => Ok(found.get(&key).cloned()),
                        Err(error) => Err(error.clone()),
                    };
                    // Who waited may be gone.
                    let _ = waits.send(answer);
                }
            }
            .boxed(),
        )
    }

    fn keys(&mut self) -> &mut dyn Any {
        self
    }
}

impl Loads {
    /// Nothing is waited for yet.
    pub fn new(batch: Batch) -> Self {
        Self { batch: Arc::new(batch), waiting: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<TypeId, Box<dyn Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<K>(&self, key: K) -> oneshot::Receiver<Answer<<Batch as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Batch: Loader<K, Error = Arc<Error>>,
    {
        let (waits, answer) = oneshot::channel();
        let mut waiting = self.waiting();
        let keys = waiting.entry(TypeId::of::<K>()).or_insert_with(|| Box::new(Keys::<K>(Vec::new())));
        if let Some(Keys(asked)) = keys.keys().downcast_mut::<Keys<K>>() {
            asked.push((key, waits));
        }
        answer
    }

    /// The loads of everything that waits.
    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        self.waiting().values_mut().filter_map(|keys| keys.load(&self.batch)).collect()
    }
}

/// What the batch has for `key`; `None` if nothing visible is there.
///
/// # Errors
/// The database refused.
pub async fn load<K>(ctx: &Context<'_>, key: K) -> Result<Option<<Batch as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Loader<K, Error = Arc<Error>>,
{
    answered(ctx.data_unchecked::<Arc<Loads>>().ask(key).await)
}

/// The part of a list that the batch has for `key`, whose bounds are checked already.
///
/// # Errors
/// The database refused.
pub async fn load_slice<K, T>(ctx: &Context<'_>, key: K) -> Result<Slice<T>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Loader<K, Value = Slice<T>, Error = Arc<Error>>,
{
    let none = Slice { rows: Vec::new(), more: false, total: None };
    Ok(load(ctx, key).await?.unwrap_or(none))
}

/// What the batch has for `keys`, in one statement; what is not visible is left out.
///
/// # Errors
/// The database refused.
pub async fn load_many<K>(
    ctx: &Context<'_>,
    keys: impl IntoIterator<Item = K>,
) -> Result<Vec<<Batch as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Loader<K, Error = Arc<Error>>,
{
    Ok(load_each(ctx, keys).await?.into_iter().flatten().collect())
}

/// What the batch has for each of `keys`, in one statement; `None` where nothing visible is there.
///
/// # Errors
/// The database refused.
pub async fn load_each<K>(
    ctx: &Context<'_>,
    keys: impl IntoIterator<Item = K>,
) -> Result<Vec<Option<<Batch as Loader<K>>::Value>>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Batch: Loader<K, Error = Arc<Error>>,
{
    let loads = ctx.data_unchecked::<Arc<Loads>>();
    let waits: Vec<_> = keys.into_iter().map(|key| loads.ask(key)).collect();
    let mut answers = Vec::with_capacity(waits.len());
    // All of them are asked already, and answered together.
    for answer in waits {
        answers.push(answered(answer.await)?);
    }
    Ok(answers)
}

fn answered<V>(answer: std::result::Result<Answer<V>, oneshot::Canceled>) -> Result<Option<V>> {
    match answer {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(ApiError(Error::internal(error))),
        Err(canceled) => Err(ApiError(Error::internal(canceled))),
    }
}

/// Whether the execution was woken while it was polled: then it can go on without a batch.
#[derive(Default)]
struct Woken {
    while_polled: AtomicBool,
    outer: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.while_polled.store(true, Ordering::SeqCst);
        self.outer.wake();
    }
}

/// The execution of a request, with its loads. A stream of answers; a query's has one.
pub struct Driven<S> {
    answers: S,
    loads: Arc<Loads>,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    woken: Arc<Woken>,
}

impl<S> Driven<S> {
    /// Drives `answers`, whose resolvers wait for `loads`.
    pub fn new(answers: S, loads: Arc<Loads>) -> Self {
        Self { answers, loads, running: FuturesUnordered::new(), woken: Arc::default() }
    }
}

impl<S: Stream + Unpin> Stream for Driven<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<S::Item>> {
        let this = &mut *self;
        this.woken.outer.register(poller.waker());
        let waker = Waker::from(this.woken.clone());
        let mut inner = Poller::from_waker(&waker);
        loop {
            this.woken.while_polled.store(false, Ordering::SeqCst);
            if let Poll::Ready(answer) = this.answers.poll_next_unpin(&mut inner) {
                return Poll::Ready(answer);
            }
            if this.woken.while_polled.load(Ordering::SeqCst) {
                continue;
            }
            this.running.extend(this.loads.take());
            // A load that ends wakes who waits for it.
            match this.running.poll_next_unpin(poller) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}
