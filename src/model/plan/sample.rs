//! A plan to try things on: one correct client, one load, nothing else asked.

use std::time::Duration;

use super::auth::{Flow, Granted, Login};
use super::{
    Clients, Credential, Expect, GeneratorLimits, Load, Plan, Practice, Reach, Target, TargetUrl,
    Tools, Transport,
};
use crate::model::distribution::Distribution;
use crate::model::profile::oauth::{
    ApplicationType, Loser, Member, OAuth, Registration, RegistrationAuthentication, ResourceMatch,
    ResourceParameter, WithoutResourceMetadata,
};
use crate::model::profile::{
    Connections, Elicitation, Era, Identity, Ids, List, OnSessionLoss, Profile, ServerRequests,
    SessionWeights,
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
            transport: Transport::Auto,
            protocol: None,
            authorised: false,
            mine: false,
            health: None,
            metrics: None,
            max_rate: None,
            reach: Reach::default(),
        },
        practice: Practice::default(),
        auth: Credential::None,
        clients: Clients { profile, identity: None, addresses: Vec::new() },
        load,
        tools: Tools::default(),
        expect: Expect::default(),
        faults: Vec::new(),
        toxiproxy: None,
        generator: GeneratorLimits { lag: second, cpu: 1.0, loop_delay: second },
        source: String::new(),
        environment: Vec::new(),
    }
}

/// Users with grants of their own, got before the load.
pub(crate) fn granted(flow: Flow) -> Granted {
    let login = Login::Before { over: Duration::from_secs(30) };
    let (client, scope, keep, servers, one) = (None, None, None, Vec::new(), None);
    Granted { flow, client, scope, login, keep, servers, one }
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
        era: Era::Legacy,
        probe_lasts: None,
        protocol_version: "2025-11-25".into(),
        capabilities: "{}".into(),
        ids: Ids::Counter(0),
        sessions: SessionWeights { fresh: 0.0, unechoed: 0.0, pooled: 0.0, echo: 1.0 },
        lists: vec![List::Tools],
        reads: 0,
        honours_ttl: false,
        stream_awaited: false,
        resumes: 0,
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
        progress: false,
        cancels: false,
        input_rounds: 10,
        on_session_404: OnSessionLoss::Reinitialise,
        on_session_400: OnSessionLoss::GiveUp,
        server_requests: ServerRequests::Answer(Elicitation::Refuse),
        oauth: oauth(),
        sources: std::collections::BTreeMap::default(),
        about: String::new(),
        inherits: None,
    }
}

/// A correct client's way with OAuth, as `scenarios/profiles/plain` has it.
pub(crate) fn oauth() -> OAuth {
    let second = Duration::from_secs;
    OAuth {
        user_agent: "squall".to_owned(),
        discovery_headers: vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("mcp-protocol-version".to_owned(), "2025-11-25".to_owned()),
        ],
        token_headers: vec![("accept".to_owned(), "application/json".to_owned())],
        callback: "http://127.0.0.1:33418/callback".to_owned(),
        metadata_document: None,
        metadata_document_needs_none: false,
        registration: Registration::PerUser,
        registration_body: Member::ALL.to_vec(),
        registration_authentication: RegistrationAuthentication::Supported,
        client_name: "squall".to_owned(),
        application_type: ApplicationType::Native,
        resource_match: ResourceMatch::Prefix,
        resource: ResourceParameter::Named,
        without_resource_metadata: WithoutResourceMetadata::Origin,
        checks_issuer: true,
        checks_iss: true,
        demands_pkce_metadata: false,
        offline_access: true,
        prompt_consent: true,
        step_ups: 2,
        refresh_margin: second(30),
        refresh_share: 0.5,
        holders: 1,
        holder_gap: Distribution::constant(Duration::ZERO),
        loser: Loser::Reads,
        discovery_timeout: second(10),
        registration_timeout: second(10),
        authorize_timeout: second(30),
        token_timeout: second(10),
        refresh_timeout: second(30),
    }
}
