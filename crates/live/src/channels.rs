//! Channels between the parts of this process. A channel exists while somebody listens.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::broadcast;

/// Messages a slow receiver can be behind before it loses the oldest. Each says only "look again", so few are enough.
const DEPTH: usize = 16;

/// Senders by channel.
#[derive(Default)]
pub(crate) struct Channels(Mutex<HashMap<String, broadcast::Sender<Bytes>>>);

impl Channels {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, broadcast::Sender<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells who listens here; `false` when nobody does.
    pub fn publish(&self, channel: &str, message: Bytes) -> bool {
        let mut channels = self.lock();
        let heard = channels.get(channel).is_some_and(|sender| sender.send(message).is_ok());
        if !heard {
            channels.remove(channel);
        }
        heard
    }

    /// The channels that somebody listens to.
    pub fn names(&self) -> Vec<String> {
        self.lock().iter().filter(|(_, sender)| sender.receiver_count() > 0).map(|(name, _)| name.clone()).collect()
    }

    pub fn subscribe(&self, channel: &str) -> broadcast::Receiver<Bytes> {
        let mut channels = self.lock();
        // Only just before the map would grow: amortised over as many subscriptions.
        if channels.len() == channels.capacity() {
            channels.retain(|_, sender| sender.receiver_count() > 0);
        }
        channels.entry(channel.to_owned()).or_insert_with(|| broadcast::Sender::new(DEPTH)).subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_nobody_listens_to_do_not_pile_up() {
        let channels = Channels::default();
        for n in 0..10_000 {
            drop(channels.subscribe(&n.to_string()));
        }
        assert!(channels.lock().len() < 100);
    }
}
