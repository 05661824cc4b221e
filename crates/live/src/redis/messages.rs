//! Messages between replicas: one subscription per channel that somebody here listens to, shared by all who do.
//!
//! Redis keeps no messages for who is away. So after each new connection the subscriptions are made again and everybody is told to look again,
//! by an empty message; likewise when messages came faster than they could be passed on. A channel that nobody listens to any more is left as
//! soon as a message shows it.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use fred::{
    clients::SubscriberClient,
    error::Error,
    interfaces::{ClientLike, EventInterface, PubsubInterface},
    types::{Message, config::Server},
};
use tokio::sync::{
    Mutex,
    broadcast::{Receiver, error::RecvError},
    watch,
};

use super::{keys::Keys, link::Link};
use crate::{LiveError, channels::Channels};

/// What is listened to.
pub struct Subscriptions {
    keys: Keys,
    local: Channels,
    /// Channels subscribed to. Held while subscriptions change, so that they change one after another.
    remote: Mutex<HashSet<String>>,
    /// The first connection was there.
    connected: watch::Sender<bool>,
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
        Arc::new(Self { keys, local: Channels::default(), remote: Mutex::default(), connected: watch::Sender::new(false) })
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
                Err(error) => tracing::debug!(error = error.details(), "a subscription is made with the next connection"),
            }
        }
        Ok(receiver)
    }

    /// Passes messages on for as long as it is polled.
    pub async fn run(&self, subscriber: SubscriberClient, mut heard: Heard) {
        loop {
            tokio::select! {
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
                    Ok(_) | Err(RecvError::Lagged(_)) => self.renew(&subscriber).await,
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    /// Subscribes anew to everything that somebody listens to.
    async fn renew(&self, subscriber: &SubscriberClient) {
        let mut remote = self.remote.lock().await;
        remote.clear();
        for channels in self.local.names().chunks(100) {
            let names: Vec<String> = channels.iter().map(|channel| self.keys.channel(channel)).collect();
            match subscriber.subscribe(names).await {
                Ok(()) => remote.extend(channels.iter().cloned()),
                // The connection broke again: the next one begins here.
                Err(error) => return self.put_off(&error),
            }
        }
        self.connected.send_replace(true);
        self.look_again();
    }

    fn put_off(&self, error: &Error) {
        tracing::debug!(error = error.details(), "subscriptions are made with the next connection");
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
