//! A plan to try things on: one correct client, one load, nothing else asked.

use std::time::Duration;

use super::{
    Clients, Credential, Expect, GeneratorLimits, Load, Plan, Practice, Reach, Target, TargetUrl,
    Tools,
};
use crate::model::distribution::Distribution;
use crate::model::profile::{
    Connections, Identity, Ids, List, OnSessionLoss, Profile, ServerRequests, SessionWeights,
};

/// This load on the practice target.
pub(crate) fn plan(load: Load, profile: Profile) -> Plan {
    let second = Duration::from_secs(1);
    Plan {
        name: "sample".into(),
        seed: 7,
        target: Target {
            url: TargetUrl::Practice,
            shown: "practice".into(),
            authorised: false,
            mine: false,
            health: None,
            metrics: None,
            max_rate: None,
            reach: Reach::default(),
        },
        practice: Practice::default(),
        auth: Credential::None,
        clients: Clients { profile, identity: None },
        load,
        tools: Tools::default(),
        expect: Expect::default(),
        generator: GeneratorLimits { lag: second, cpu: 1.0, loop_delay: second },
        source: String::new(),
        environment: Vec::new(),
    }
}

/// A correct client, as `scenarios/profiles/plain` has it.
pub(crate) fn plain() -> Profile {
    Profile {
        name: "plain".into(),
        date: "2026-11".into(),
        identity: Identity {
            user_agent: "squall".into(),
            client_name: "squall".into(),
            client_version: "1.0.0".into(),
            headers: Vec::new(),
        },
        protocol_version: "2025-11-25".into(),
        capabilities: "{}".into(),
        ids: Ids::Counter(0),
        sessions: SessionWeights { fresh: 0.0, unechoed: 0.0, pooled: 0.0, echo: 1.0 },
        lists: vec![List::Tools],
        stream_share: 1.0,
        delete_share: 1.0,
        initialized_when_fresh: true,
        connections: Connections::PerUser,
        cap: 1_000_000,
        queue_limit: None,
        stagger: Distribution::constant(Duration::ZERO),
        connect_timeout: Duration::from_secs(30),
        call_timeout: Duration::from_secs(60),
        result_cap: None,
        on_session_404: OnSessionLoss::Reinitialise,
        on_session_400: OnSessionLoss::GiveUp,
        server_requests: ServerRequests::Answer,
        sources: std::collections::BTreeMap::default(),
    }
}
