//! The practice target's rate limit: who is counted, what is left, and how a refusal looks.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use self::meter::Meter;
use super::authorization::bounded::Bounded;
use super::request;
use super::response::{JSON, content, page};
use crate::edge::clock::Clock;
use crate::model::plan::limits::{Per, Says};
use crate::model::plan::practice::limit::{Kind, Limit};
use crate::model::plan::{Flaw, Flaws};
use crate::protocol::legacy::SESSION_HEADER;

mod meter;

/// Keys that are counted at once; then the oldest is forgotten.
const MOST_KEYS: usize = 65_536;
/// For the defect that hits quiet users: so many users, and every so many-th request of theirs.
const CROWD: usize = 5;
const EVERY: u64 = 3;
/// For the defect that hits quiet users: somebody was refused within this time.
const LATELY: Duration = Duration::from_secs(1);

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct From {
    pub(super) address: IpAddr,
    /// Connections are counted from 0.
    pub(super) connection: u64,
}

/// A rate limit at work.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: Limit,
    flaws: Flaws,
    clock: Clock,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    meters: Bounded<String, Meter>,
    /// Addresses of which one was refused, and until when it is to wait.
    told: Bounded<IpAddr, Duration>,
    /// Who came, and how often.
    users: Bounded<String, u64>,
    /// Who was refused last, and when.
    refused: Option<(String, Duration)>,
    count: usize,
}

/// As much of a message as a limit looks at.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    name: Option<String>,
}

impl Limiter {
    pub(super) fn new(limit: Limit, flaws: Flaws, clock: Clock) -> Self {
        let kind = if flaws.has(Flaw::LimitFixedWindow) { Kind::Fixed } else { limit.kind };
        let per = if flaws.has(Flaw::LimitPerAddress) { Per::Address } else { limit.per };
        let mut limit = limit;
        for number in [&mut limit.allow.count, &mut limit.burst] {
            if flaws.has(Flaw::LimitTooLax) {
                *number = number.saturating_add(*number / 2);
            }
            if flaws.has(Flaw::LimitTooStrict) {
                *number = number.div_ceil(2);
            }
        }
        let (meters, users) = (Bounded::of(MOST_KEYS), Bounded::of(MOST_KEYS));
        let seen = Seen { meters, told: Bounded::of(MOST_KEYS), users, refused: None, count: 0 };
        Self { limit: Limit { per, kind, ..limit }, flaws, clock, seen: Mutex::new(seen) }
    }

    /// Lets a POST in, or refuses it; `user` is whoever its credential says.
    pub(super) async fn admit(
        &self,
        request: Request,
        user: Option<String>,
    ) -> Result<Request, Response> {
        let (parts, body) = request.into_parts();
        let from = parts.extensions.get::<From>().copied();
        let body = request::read(body).await.map_err(|refusal| refusal.respond())?;
        match self.judge(&parts.headers, &body, from, user) {
            None => Ok(Request::from_parts(parts, Body::from(body))),
            Some((wait, id)) => Err(self.refusal(wait, &id)),
        }
    }

    /// How long a request has to wait, and its id, if it is one too many.
    fn judge(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
        from: Option<From>,
        user: Option<String>,
    ) -> Option<(Duration, String)> {
        let message: Message<'_> = serde_json::from_slice(body).ok()?;
        let method = message.method?;
        let id = message.id?.get().to_owned();
        if !self.limit.counts.contains(&method) {
            return None;
        }
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let address = from.map(|from| from.address);
        let user = user
            .or_else(|| headers.get(header::AUTHORIZATION).map(text))
            .unwrap_or_else(|| format!("{address:?}"));
        let mut key = match self.limit.per {
            Per::User => user.clone(),
            Per::Address => format!("{address:?}"),
            Per::Session => headers.get(SESSION_HEADER).map_or_else(|| user.clone(), text),
            Per::Tool => message.params.and_then(|params| params.name).unwrap_or_default(),
            Per::All => String::new(),
        };
        if self.flaws.has(Flaw::LimitPerReplica) {
            // A pattern (of Thue and Morse) that no client keeps in step with.
            let is_second = from.is_some_and(|from| from.connection.count_ones() % 2 == 1);
            key.insert(0, if is_second { 'b' } else { 'a' });
        }
        let now = self.clock.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = seen.take(&self.limit, key, now);
        if self.flaws.has(Flaw::LimitHitsQuiet) && left.is_ok() && seen.hits(&user, now) {
            left = Err(LATELY);
        }
        let wait = left.err()?;
        if let Some(address) = address {
            seen.told.insert(address, now + wait);
        }
        if seen.refused.as_ref().is_none_or(|(last, at)| *last == user || now > *at + LATELY) {
            seen.refused = Some((user, now));
        }
        Some((wait, id))
    }

    /// For the defect of a shared bucket: how long the token endpoint refuses this address.
    pub(super) fn at_token(&self, address: IpAddr) -> Option<Response> {
        if !self.flaws.has(Flaw::LimitSharesToken) {
            return None;
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let left = seen.told.get(&address)?.saturating_sub(self.clock.now());
        (!left.is_zero()).then(|| self.refusal(left, "null"))
    }

    fn refusal(&self, wait: Duration, id: &str) -> Response {
        let has = |flaw| self.flaws.has(flaw);
        let signal = match self.limit.signal {
            _ if has(Flaw::Limit500) => {
                let mut response = page("text/plain", "Internal Server Error");
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                return response;
            }
            _ if has(Flaw::LimitIsError) => Says::IsError,
            _ if has(Flaw::LimitRpcError) => Says::RpcError,
            _ if has(Flaw::Limit503) => Says::Status503,
            signal => signal,
        };
        let seconds =
            (self.limit.retry_after && !has(Flaw::RetryAfterMissing)).then(|| self.seconds(wait));
        let status = match signal {
            Says::Status429 => StatusCode::TOO_MANY_REQUESTS,
            Says::Status503 => StatusCode::SERVICE_UNAVAILABLE,
            Says::RpcError | Says::IsError => StatusCode::OK,
        };
        let body = match signal {
            Says::Status429 | Says::Status503 => {
                json!({ "error": "rate_limited", "error_description": "too many requests" })
                    .to_string()
            }
            Says::RpcError => {
                let data = seconds.map(|seconds| json!({ "retry_after_seconds": seconds }));
                let error =
                    json!({ "code": -32029, "message": "Rate limit exceeded", "data": data });
                format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
            }
            Says::IsError => {
                let told = seconds.map(|seconds| format!(" Retry after {seconds} seconds."));
                let text = format!("Rate limit exceeded.{}", told.unwrap_or_default());
                let content = json!([{ "type": "text", "text": text }]);
                let result = json!({ "content": content, "isError": true });
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
            }
        };
        let mut response = content(status, JSON, Body::from(body));
        if let Some(seconds) = seconds.filter(|_| status != StatusCode::OK) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// `Retry-After` in whole seconds (RFC 9110, section 10.2.3), rounded up.
    fn seconds(&self, wait: Duration) -> u64 {
        let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        if self.flaws.has(Flaw::RetryAfterShort) {
            (whole / 2).max(1)
        } else if self.flaws.has(Flaw::RetryAfterLong) {
            whole * 10 + 10
        } else {
            whole.max(1)
        }
    }
}

impl Seen {
    fn take(&mut self, limit: &Limit, key: String, now: Duration) -> Result<(), Duration> {
        if let Some(meter) = self.meters.get_mut(&key) {
            return meter.take(limit, now);
        }
        let mut meter = Meter::full(limit, now);
        let taken = meter.take(limit, now);
        self.meters.insert(key, meter);
        taken
    }

    /// For the defect that hits quiet users: whether it is this one's turn.
    fn hits(&mut self, user: &str, now: Duration) -> bool {
        if self.users.get(user).is_none() {
            self.users.insert(user.to_owned(), 0);
            self.count += 1;
        }
        let Some(times) = self.users.get_mut(user) else { return false };
        *times += 1;
        let times = *times;
        let others = |(last, at): &(String, Duration)| last != user && now <= *at + LATELY;
        self.count >= CROWD
            && self.refused.as_ref().is_some_and(others)
            && times.is_multiple_of(EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::plan::limits::Allowance;

    /// One a minute, by this.
    fn one_a_minute(per: Per, flaws: &[Flaw]) -> Limiter {
        limiter(Allowance { count: 1, window: Duration::from_secs(60) }, per, flaws)
    }

    fn limiter(allow: Allowance, per: Per, flaws: &[Flaw]) -> Limiter {
        let limit = Limit {
            allow,
            burst: allow.count,
            per,
            kind: Kind::Sliding,
            counts: vec!["tools/call".to_owned()],
            signal: Says::Status429,
            retry_after: true,
        };
        Limiter::new(limit, flaws.iter().copied().collect(), Clock::of_runtime())
    }

    /// A call of this tool by this user in this session, from this address.
    async fn call(limiter: &Limiter, user: &str, session: &str, last: u8, tool: &str) -> Response {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}"}}}}"#
        );
        let address = IpAddr::from([127, 0, 0, last]);
        let request = Request::post("/mcp").header("mcp-session-id", session);
        let request = request.extension(From { address, connection: last.into() });
        let request = request.body(Body::from(body)).unwrap();
        match limiter.admit(request, Some(user.to_owned())).await {
            Ok(_) => Response::new(Body::empty()),
            Err(response) => response,
        }
    }

    async fn is_served(limiter: &Limiter, who: (&str, &str, u8, &str)) -> bool {
        let (user, session, last, tool) = who;
        let response = call(limiter, user, session, last, tool).await;
        response.status() == StatusCode::OK
    }

    #[tokio::test(start_paused = true)]
    async fn each_key_is_counted_by_what_it_is() {
        let variations =
            [("b", "s", 1, "t"), ("a", "r", 1, "t"), ("a", "s", 2, "t"), ("a", "s", 1, "u")];
        let table = [
            (Per::User, [true, false, false, false]),
            (Per::Session, [false, true, false, false]),
            (Per::Address, [false, false, true, false]),
            (Per::Tool, [false, false, false, true]),
            (Per::All, [false; 4]),
        ];
        for (per, expected) in table {
            let limiter = one_a_minute(per, &[]);
            assert!(is_served(&limiter, ("a", "s", 1, "t")).await);
            assert!(!is_served(&limiter, ("a", "s", 1, "t")).await);
            for (who, expected) in variations.into_iter().zip(expected) {
                assert_eq!(is_served(&limiter, who).await, expected, "{per:?} {who:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_when_told_is_served() {
        let allow = Allowance { count: 2, window: Duration::from_secs(3) };
        let limiter = limiter(allow, Per::User, &[]);
        let who = ("a", "s", 1, "t");
        assert!(is_served(&limiter, who).await && is_served(&limiter, who).await);
        let response = call(&limiter, "a", "s", 1, "t").await;
        assert_eq!(response.headers()["retry-after"], "3");
        limiter.clock.sleep(Duration::from_millis(2_990)).await;
        assert!(!is_served(&limiter, who).await);
        limiter.clock.sleep(Duration::from_millis(20)).await;
        assert!(is_served(&limiter, who).await);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_have_the_shape_that_was_asked_for() {
        let table = [
            (Flaw::LimitIsError, 200, None),
            (Flaw::LimitRpcError, 200, None),
            (Flaw::Limit503, 503, Some("60")),
            (Flaw::Limit500, 500, None),
            (Flaw::RetryAfterMissing, 429, None),
            (Flaw::RetryAfterShort, 429, Some("30")),
            (Flaw::RetryAfterLong, 429, Some("610")),
        ];
        for (flaw, status, wait) in table {
            let limiter = one_a_minute(Per::User, &[flaw]);
            call(&limiter, "a", "s", 1, "t").await;
            let response = call(&limiter, "a", "s", 1, "t").await;
            let said = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), said), (status, wait), "{flaw:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn replicas_count_for_themselves() {
        let limiter = one_a_minute(Per::User, &[Flaw::LimitPerReplica]);
        let [one, other] = [("a", "s", 1, "t"), ("a", "s", 3, "t")];
        assert!(is_served(&limiter, one).await && is_served(&limiter, other).await);
        assert!(!is_served(&limiter, one).await && !is_served(&limiter, other).await);
    }
}
