//! A callback that a future can wait for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What both ends share.
#[derive(Debug)]
struct Shared<T> {
    value: Option<T>,
    sender_gone: bool,
    waiting: Option<Waker>,
}

/// The end that a callback holds.
#[derive(Debug)]
pub(super) struct Sender<T>(Arc<Mutex<Shared<T>>>);

/// The end that waits; gives `None` if the callback was dropped without being called.
#[derive(Debug)]
pub(super) struct Signal<T>(Arc<Mutex<Shared<T>>>);

/// A connected pair.
pub(super) fn signal<T>() -> (Sender<T>, Signal<T>) {
    let shared = Arc::new(Mutex::new(Shared { value: None, sender_gone: false, waiting: None }));
    (Sender(Arc::clone(&shared)), Signal(shared))
}

/// No code that can panic runs under this lock, so a poisoned one is as good as any other.
fn lock<T>(shared: &Mutex<Shared<T>>) -> MutexGuard<'_, Shared<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Sender<T> {
    /// Hands the value over.
    pub(super) fn send(self, value: T) {
        lock(&self.0).value = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waiting = {
            let mut shared = lock(&self.0);
            shared.sender_gone = true;
            shared.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl<T> Future for Signal<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut shared = lock(&self.0);
        if let Some(value) = shared.value.take() {
            return Poll::Ready(Some(value));
        }
        if shared.sender_gone {
            return Poll::Ready(None);
        }
        shared.waiting = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_gives_what_was_sent_from_another_thread() {
        let (sender, signal) = signal();
        let thread = std::thread::spawn(move || sender.send(7));
        assert_eq!(pollster::block_on(signal), Some(7));
        thread.join().unwrap();
    }

    #[test]
    fn a_dropped_callback_ends_the_wait() {
        let (sender, signal) = signal::<()>();
        drop(sender);
        assert_eq!(pollster::block_on(signal), None);
    }
}
