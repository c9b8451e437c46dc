//! Proxies by their names, with their toxics: what Toxiproxy's API shows and changes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::proxy::{Between, Force, Proxy};
use super::toxic::{Toxic, Wrong};
use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::model::fault::Touched;
use crate::model::plan::Http;

/// Effects of one proxy are told apart by numbers below this.
const MOST_TOXICS: usize = 64;

/// Proxies by name.
#[derive(Debug)]
pub struct Collection {
    entries: BTreeMap<String, Entry>,
    clock: Clock,
    seed: u64,
}

#[derive(Debug)]
struct Entry {
    listen: String,
    upstream: String,
    toxics: Vec<Toxic>,
    /// Nothing while it is disabled.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    proxy: Proxy,
    forces: watch::Sender<Arc<[Force]>>,
}

/// A proxy as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    name: Option<String>,
    listen: Option<String>,
    upstream: Option<String>,
    enabled: Option<bool>,
}

/// Why something is not done: what Toxiproxy answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Why.
    pub error: String,
    /// The status.
    pub status: u16,
}

impl Refused {
    fn of(status: u16, error: impl Into<String>) -> Self {
        Self { error: error.into(), status }
    }

    /// What was sent cannot be read.
    pub fn body(why: &str) -> Self {
        Self::of(400, format!("bad request body: {why}"))
    }

    fn missing(field: &str) -> Self {
        Self::of(400, format!("missing required field: {field}"))
    }

    fn no_proxy() -> Self {
        Self::of(404, "proxy not found")
    }

    fn no_toxic() -> Self {
        Self::of(404, "toxic not found")
    }
}

impl From<Wrong> for Refused {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Body(why) => Self::body(&why),
            Wrong::Stream => {
                Self::of(400, "stream was invalid, can be either upstream or downstream")
            }
            Wrong::Type => Self::of(400, "invalid toxic type"),
        }
    }
}

impl Collection {
    /// No proxies yet.
    pub const fn new(clock: Clock, seed: u64) -> Self {
        Self { entries: BTreeMap::new(), clock, seed }
    }

    /// Every proxy, by its name.
    pub fn index(&self) -> Value {
        self.entries.iter().map(|(name, entry)| (name.clone(), entry.shown(name))).collect()
    }

    /// One proxy.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn show(&self, name: &str) -> Result<Value, Refused> {
        Ok(self.entry(name)?.shown(name))
    }

    /// A new proxy.
    ///
    /// # Errors
    /// When it lacks something, its name is taken, or it cannot listen.
    pub async fn create(&mut self, asked: &Asked) -> Result<Value, Refused> {
        let (name, entry) = asked.complete("")?;
        if self.entries.contains_key(&name) {
            return Err(Refused::of(409, "proxy already exists"));
        }
        self.put(name, entry, asked.enabled.unwrap_or(true)).await
    }

    /// Several; each takes the place of one of its name that listens or leads elsewhere.
    ///
    /// # Errors
    /// When one lacks something, two have one name, or one cannot listen.
    pub async fn populate(&mut self, asked: &[Asked]) -> Result<Value, Refused> {
        let complete = |(number, asked): (usize, &Asked)| {
            let at = format!(" at proxy {}", number + 1);
            asked.complete(&at).map(|(name, entry)| (name, entry, asked.enabled.unwrap_or(true)))
        };
        let all = asked.iter().enumerate().map(complete).collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).find_map(|pair| (pair[0] == pair[1]).then_some(pair[0]));
        if let Some(twice) = twice {
            return Err(Refused::of(500, format!("duplicate proxy name {twice:?}")));
        }
        let mut shown = Vec::new();
        for (name, entry, enabled) in all {
            let there = self.entries.get(&name).filter(|there| there.is_same_as(&entry));
            let is_as_asked = there.is_some_and(|there| there.running.is_some() == enabled);
            shown.push(if is_as_asked {
                self.show(&name)?
            } else {
                // The old one lets go of its address first.
                if let Some(mut old) = self.entries.remove(&name) {
                    old.disable().await;
                }
                self.put(name, entry, enabled).await?
            });
        }
        Ok(json!({ "proxies": shown }))
    }

    /// Changes where a proxy listens or leads, and whether it is enabled.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot listen.
    pub async fn update(&mut self, name: &str, asked: Asked) -> Result<Value, Refused> {
        let (clock, seed) = (self.clock.clone(), self.seed);
        let entry = self.entries.get_mut(name).ok_or_else(Refused::no_proxy)?;
        let listen = asked.listen.unwrap_or_else(|| entry.listen.clone());
        let upstream = asked.upstream.unwrap_or_else(|| entry.upstream.clone());
        let enabled = asked.enabled.unwrap_or(entry.running.is_some());
        if listen != entry.listen || upstream != entry.upstream {
            entry.disable().await;
            (entry.listen, entry.upstream) = (listen, upstream);
        }
        entry.enable(enabled, clock, seed).await?;
        Ok(entry.shown(name))
    }

    /// Ends a proxy and its connections.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn delete(&mut self, name: &str) -> Result<(), Refused> {
        let mut entry = self.entries.remove(name).ok_or_else(Refused::no_proxy)?;
        entry.disable().await;
        Ok(())
    }

    /// Enables every proxy and removes every toxic.
    ///
    /// # Errors
    /// When one cannot listen any more.
    pub async fn reset(&mut self) -> Result<(), Refused> {
        for entry in self.entries.values_mut() {
            entry.enable(true, self.clock.clone(), self.seed).await?;
            entry.toxics.clear();
            entry.set();
        }
        Ok(())
    }

    /// The toxics of a proxy.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn toxics(&self, name: &str) -> Result<&[Toxic], Refused> {
        self.entry(name).map(|entry| entry.toxics.as_slice())
    }

    /// One toxic of a proxy.
    ///
    /// # Errors
    /// When there is no such proxy or no such toxic.
    pub fn toxic(&self, name: &str, toxic: &str) -> Result<&Toxic, Refused> {
        let mut toxics = self.toxics(name)?.iter();
        toxics.find(|there| there.name == toxic).ok_or_else(Refused::no_toxic)
    }

    /// One more toxic.
    ///
    /// # Errors
    /// When it is none, its name is taken, or there are too many.
    pub fn add(&mut self, name: &str, json: &[u8]) -> Result<Toxic, Refused> {
        let entry = self.entries.get_mut(name).ok_or_else(Refused::no_proxy)?;
        let toxic = Toxic::read(json)?;
        if entry.toxics.iter().any(|there| there.name == toxic.name) {
            return Err(Refused::of(409, "toxic already exists"));
        }
        if entry.toxics.len() >= MOST_TOXICS {
            return Err(Refused::of(400, format!("a proxy has at most {MOST_TOXICS} toxics")));
        }
        entry.toxics.push(toxic.clone());
        entry.set();
        Ok(toxic)
    }

    /// Changes a toxic.
    ///
    /// # Errors
    /// When there is no such proxy or toxic, or the change is none.
    pub fn change(&mut self, name: &str, toxic: &str, json: &[u8]) -> Result<Toxic, Refused> {
        let changed = self.toxic(name, toxic)?.changed(json)?;
        let entry = self.entries.get_mut(name).ok_or_else(Refused::no_proxy)?;
        for there in entry.toxics.iter_mut().filter(|there| there.name == toxic) {
            *there = changed.clone();
        }
        entry.set();
        Ok(changed)
    }

    /// Removes a toxic.
    ///
    /// # Errors
    /// When there is no such proxy or toxic.
    pub fn remove(&mut self, name: &str, toxic: &str) -> Result<(), Refused> {
        self.toxic(name, toxic)?;
        let entry = self.entries.get_mut(name).ok_or_else(Refused::no_proxy)?;
        entry.toxics.retain(|there| there.name != toxic);
        entry.set();
        Ok(())
    }

    fn entry(&self, name: &str) -> Result<&Entry, Refused> {
        self.entries.get(name).ok_or_else(Refused::no_proxy)
    }

    async fn put(&mut self, name: String, mut entry: Entry, on: bool) -> Result<Value, Refused> {
        entry.enable(on, self.clock.clone(), self.seed).await?;
        let shown = entry.shown(&name);
        self.entries.insert(name, entry);
        Ok(shown)
    }
}

impl Asked {
    /// An enabled one.
    pub fn new(name: &str, listen: &str, upstream: &str) -> Self {
        let given = |text: &str| Some(text.to_owned());
        Self { name: given(name), listen: given(listen), upstream: given(upstream), enabled: None }
    }

    /// One that lacks nothing; `at` says of which of several it is asked.
    fn complete(&self, at: &str) -> Result<(String, Entry), Refused> {
        let given = |text: &Option<String>, field: &str| {
            let given = text.clone().filter(|text| !text.is_empty());
            given.ok_or_else(|| Refused::missing(&format!("{field}{at}")))
        };
        let (name, upstream) = (given(&self.name, "name")?, given(&self.upstream, "upstream")?);
        let listen = self.listen.clone().unwrap_or_default();
        Ok((name, Entry { listen, upstream, toxics: Vec::new(), running: None }))
    }
}

impl Entry {
    fn shown(&self, name: &str) -> Value {
        json!({
            "name": name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.running.is_some(),
            "toxics": self.toxics,
        })
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.listen == other.listen && self.upstream == other.upstream
    }

    /// Ends it and its connections; its port is free when this completes.
    async fn disable(&mut self) {
        if let Some(Running { proxy, .. }) = self.running.take() {
            proxy.end().await;
        }
    }

    async fn enable(&mut self, enabled: bool, clock: Clock, seed: u64) -> Result<(), Refused> {
        if !enabled {
            self.disable().await;
            return Ok(());
        }
        if self.running.is_some() {
            return Ok(());
        }
        let unusable = |address: &str, why: &str| Refused::of(500, format!("{address}: {why}"));
        let (host, port) = split(&self.upstream)
            .ok_or_else(|| unusable(&self.upstream, "expected an upstream such as 127.0.0.1:80"))?;
        let listen = address(&self.listen)
            .ok_or_else(|| unusable(&self.listen, "expected an address such as 127.0.0.1:0"))?;
        let route = Route {
            host: host.to_owned(),
            port,
            instead: None,
            tls: None,
            http: Http::One,
            public_only: false,
        };
        let upstream = Arc::new(Dial::new(route, clock.clone()));
        let (forces, news) = watch::channel(Arc::from([]));
        let between = Between {
            listen,
            upstream,
            about: Touched::all(),
            is_marked: false,
            sources: Vec::new(),
        };
        let proxy = Proxy::start(between, clock, seed, news);
        let proxy = proxy.map_err(|error| unusable(&self.listen, &error.to_string()))?;
        // Port 0 is answered with the real one, and stays that.
        self.listen = proxy.address().to_string();
        self.running = Some(Running { proxy, forces });
        self.set();
        Ok(())
    }

    /// Puts the toxics in force.
    fn set(&self) {
        let Some(Running { forces: sender, .. }) = &self.running else { return };
        let forces: Vec<Force> =
            (0..).zip(&self.toxics).flat_map(|(id, toxic)| toxic.forces(id)).collect();
        sender.send_replace(forces.into());
    }
}

/// Host and port; the host without brackets.
fn split(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((if host.is_empty() { "127.0.0.1" } else { host }, port.parse().ok()?))
}

/// Where to listen: an address, or `localhost`, or a port alone; on this machine if nothing is said.
fn address(text: &str) -> Option<SocketAddr> {
    if text.is_empty() {
        return "127.0.0.1:0".parse().ok();
    }
    let (host, port) = split(text)?;
    let host = if host == "localhost" { "127.0.0.1" } else { host };
    Some(SocketAddr::new(host.parse().ok()?, port))
}
