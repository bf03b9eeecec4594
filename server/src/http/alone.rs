//! A page is rendered under its own owner, at every step of it.
//!
//! Leptos keeps the current owner by thread. It sets it again for what waits, but not for what is
//! built of the answer: a page that waited, and goes on where another page was begun, would make
//! its signals under that other page, and lose them when that one is done. So no step of a page is
//! taken but under its own owner, and none leaves an owner behind on its thread.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, LazyLock, OnceLock};

use leptos::prelude::Owner;

/// Whom a page runs under until it has an owner. It owns nothing.
static NOBODY: LazyLock<Owner> = LazyLock::new(|| {
    let nobody = Owner::new_root(None);
    // A new root becomes its thread's current owner, which this one must not be.
    nobody.clone().unset_with_forced_cleanup();
    nobody
});

/// The owner of one page, once it has begun.
#[derive(Clone, Default)]
pub(super) struct Alone(Arc<OnceLock<Owner>>);

impl Alone {
    /// The page has begun: whoever is current owns it.
    pub(super) fn begin(&self) {
        if let Some(owner) = Owner::current() {
            self.0.get_or_init(|| owner);
        }
    }

    pub(super) async fn render<T>(&self, rendering: impl Future<Output = T>) -> T {
        let mut rendering = pin!(rendering);
        poll_fn(|context| {
            let owner = self.0.get().unwrap_or(&NOBODY);
            owner.with(|| rendering.as_mut().poll(context))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use leptos::prelude::{GetUntracked as _, RwSignal};

    use super::*;

    /// What a page does: it begins under an owner of its own, waits, and makes a signal.
    async fn page(alone: &Alone, waits: impl Future<Output = ()>) -> (Owner, RwSignal<u8>) {
        let owner = Owner::new_root(None);
        owner.with(|| alone.begin());
        waits.await;
        (owner, RwSignal::new(7))
    }

    #[tokio::test]
    async fn what_a_page_makes_after_a_wait_outlives_the_page_beside_it() {
        let alone = Alone::default();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let waits = async { wait.await.expect("told") };
        let beside = async {
            let other = Owner::new_root(None);
            go.send(()).expect("heard");
            // The page makes its signal while this one is current on the same thread.
            tokio::task::yield_now().await;
            other.unset_with_forced_cleanup();
        };
        let ((_owner, signal), ()) = tokio::join!(alone.render(page(&alone, waits)), beside);
        assert_eq!(signal.get_untracked(), 7);
    }

    #[tokio::test]
    async fn a_page_leaves_no_owner_behind() {
        let alone = Alone::default();
        let _page = alone.render(page(&alone, async {})).await;
        assert!(Owner::current().is_none());
    }
}
