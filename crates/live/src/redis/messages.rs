//! Messages between replicas: one subscription per channel that somebody here listens to, shared by all who do.
//!
//! Redis keeps no messages for who is away. So after each new connection the subscriptions are made again and everybody is told to look again,
//! by an empty message; likewise when messages came faster than they could be passed on. A subscription that could not be sent in time over a
//! connection that lives on is made up for by connecting anew. A channel that nobody listens to any more is left as
//! soon as a message shows it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use fred::{
    clients::SubscriberClient,
    error::Error,
    interfaces::{ClientLike, EventInterface, PubsubInterface},
    types::{Message, config::Server},
};
use tokio::{
    sync::{
        Mutex, Notify,
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::Instant,
};

use super::{keys::Keys, link::Link};
use crate::{LiveError, channels::Channels};

/// Waits before connecting anew because a subscription failed: the first and the longest.
const ANEW: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What is listened to.
pub struct Subscriptions {
    keys: Keys,
    local: Channels,
    /// Channels subscribed to. Held while subscriptions change, so that they change one after another.
    remote: Mutex<HashSet<String>>,
    /// The first connection was there.
    connected: watch::Sender<bool>,
    /// A subscription failed: somebody here is deaf.
    failed: Notify,
}

/// What a subscriber client tells, from before its first connection on.
pub struct Heard {
    messages: Receiver<Message>,
    connections: Receiver<Server>,
}

impl Heard {
    pub fn of(subscriber: &SubscriberClient) -> Self {
        Self { messages: subscriber.message_rx(), connections: subscriber.reconnect_rx() }
    }
}

impl Subscriptions {
    pub fn new(keys: Keys) -> Arc<Self> {
        Arc::new(Self {
            keys,
            local: Channels::default(),
            remote: Mutex::default(),
            connected: watch::Sender::new(false),
            failed: Notify::new(),
        })
    }

    /// Listens. Without a connection the subscription is made as soon as there is one, and the listener told to look then.
    pub async fn subscribe(&self, link: &Link, channel: &str) -> Result<Receiver<Bytes>, LiveError> {
        if !*self.connected.borrow() {
            let _ = tokio::time::timeout(link.grace(), self.connected.subscribe().wait_for(|connected| *connected)).await;
        }
        let mut remote = self.remote.lock().await;
        let receiver = self.local.subscribe(channel);
        if remote.contains(channel) {
            return Ok(receiver);
        }
        if link.subscriber().is_connected() {
            match link.subscriber().subscribe(self.keys.channel(channel)).await {
                Ok(()) => drop(remote.insert(channel.to_owned())),
                Err(error) => self.put_off(&error),
            }
        }
        Ok(receiver)
    }

    /// Passes messages on for as long as it is polled.
    pub async fn run(&self, subscriber: SubscriberClient, mut heard: Heard) {
        let mut wait = ANEW.0;
        let mut anew: Option<Instant> = None;
        loop {
            tokio::select! {
                () = self.failed.notified() => drop(anew.get_or_insert(Instant::now() + wait)),
                () = tokio::time::sleep_until(anew.unwrap_or_else(Instant::now)), if anew.is_some() => {
                    anew = None;
                    wait = (wait * 2).min(ANEW.1);
                    // Without a connection the next one begins by itself.
                    if subscriber.is_connected() {
                        let subscriber = subscriber.clone();
                        tokio::spawn(async move { subscriber.force_reconnection().await });
                    }
                }
                message = heard.messages.recv() => match message {
                    Ok(message) => {
                        let Some(channel) = self.keys.channel_of(&message.channel) else { continue };
                        let text = message.value.convert::<Bytes>().unwrap_or_default();
                        if !self.local.publish(channel, text) {
                            self.leave(&subscriber, channel).await;
                        }
                    }
                    Err(RecvError::Lagged(_)) => self.look_again(),
                    Err(RecvError::Closed) => return,
                },
                connection = heard.connections.recv() => match connection {
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        if self.renew(&subscriber).await {
                            (wait, anew) = (ANEW.0, None);
                        }
                    }
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    /// Subscribes anew to everything that somebody listens to; whether that succeeded.
    async fn renew(&self, subscriber: &SubscriberClient) -> bool {
        let mut remote = self.remote.lock().await;
        remote.clear();
        for channels in self.local.names().chunks(100) {
            let names: Vec<String> = channels.iter().map(|channel| self.keys.channel(channel)).collect();
            match subscriber.subscribe(names).await {
                Ok(()) => remote.extend(channels.iter().cloned()),
                Err(error) => {
                    self.put_off(&error);
                    return false;
                }
            }
        }
        self.connected.send_replace(true);
        self.look_again();
        true
    }

    fn put_off(&self, error: &Error) {
        tracing::debug!(error = error.details(), "subscriptions are made with the next connection");
        self.failed.notify_one();
    }

    /// Leaves a channel unless somebody came back.
    async fn leave(&self, subscriber: &SubscriberClient, channel: &str) {
        let mut remote = self.remote.lock().await;
        if !self.local.names().iter().any(|name| name == channel) && remote.remove(channel) {
            let _ = subscriber.unsubscribe(self.keys.channel(channel)).await;
        }
    }

    fn look_again(&self) {
        for channel in self.local.names() {
            self.local.publish(&channel, Bytes::new());
        }
    }
}
