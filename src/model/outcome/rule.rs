//! The rules of the protocol that a target can break.

/// A rule of the protocol that a target can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The answer's id is not the question's, or has another JSON type.
    WrongId,
    /// Neither `result` nor `error`, or both.
    NotOneOfResultAndError,
    /// The body is not JSON where JSON was promised.
    NotJson,
    /// The body is JSON but not a JSON-RPC 2.0 message.
    NotJsonRpc,
    /// A 200 with neither `application/json` nor `text/event-stream`.
    WrongMediaType,
    /// A request was answered with 202.
    AcceptedRequest,
    /// A notification was answered with neither 202 nor a refusal.
    NotificationNotAccepted,
    /// A required member of the result is missing or has the wrong type.
    MalformedResult,
    /// The server answered with a protocol version the client did not offer and cannot speak.
    UnknownVersion,
    /// A session id with characters outside 0x21..=0x7E.
    BadSessionId,
    /// A body, event or head beyond the client's bounds.
    TooLarge,
    /// A body in a content coding that the client did not ask for.
    UnaskedCoding,
    /// More requests of the server's at once than a client answers.
    RequestFlood,
    /// A redirect, which a POST to an MCP endpoint must not need.
    Redirect,
    /// Pages of a list that repeat a cursor or do not end.
    EndlessPages,
    /// A request was answered a second time.
    SecondAnswer,
    /// A message for a request that had been cancelled by closing its stream.
    AnswerAfterCancel,
    /// An event on a stream where it does not belong.
    WrongStream,
    /// A message of a listen stream with another subscription's id, or none.
    ForeignSubscription,
    /// A listen stream whose first message is not its acknowledgement.
    NotAcknowledged,
    /// An event id with which a stream cannot be taken up: no header can carry it.
    BadEventId,
    /// Progress that does not increase.
    ProgressGoesBack,
    /// Progress for a token that no request under way has.
    ForeignProgress,
    /// A request of the server's in an era that has none.
    ModernServerRequest,
    /// An error code that the revision spoken forbids.
    ForbiddenCode,
    /// A `resultType` that was not negotiated.
    UnknownResultType,
    /// `input_required` as the answer to a request that allows no question back.
    UnaskedInput,
    /// `input_required` with neither requests nor state.
    EmptyInputRequired,
    /// A question whose capability the client did not declare.
    UndeclaredInput,
    /// More questions back than the client answers for one request.
    TooManyRounds,
    /// A cacheable result without `ttlMs` or `cacheScope`.
    NoCacheHints,
    /// A tool whose `x-mcp-header` annotations are invalid; the client drops it.
    InvalidParamHeader,
    /// An endpoint event that leads to another origin.
    ForeignEndpoint,
    /// A stream of the old transport without a readable endpoint event at its begin.
    BadEndpoint,
    /// A tool with an `outputSchema` gave no `structuredContent`.
    OutputMissing,
    /// An `outputSchema` that is no schema.
    InvalidOutputSchema,
    /// `structuredContent` that its tool's `outputSchema` does not allow.
    OutputMismatch,
    /// Binary content that is not base64.
    InvalidBase64,
    /// A completion with more than 100 values.
    TooManyCompletions,
    /// An answer with what another call of the same session asked.
    OtherCallsAnswer,
    /// An answer with what the same user asked in another session.
    OtherSessionsAnswer,
    /// An answer with what another user asked.
    OtherUsersAnswer,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 42] = [
        Self::WrongId,
        Self::NotOneOfResultAndError,
        Self::NotJson,
        Self::NotJsonRpc,
        Self::WrongMediaType,
        Self::AcceptedRequest,
        Self::NotificationNotAccepted,
        Self::MalformedResult,
        Self::UnknownVersion,
        Self::BadSessionId,
        Self::TooLarge,
        Self::UnaskedCoding,
        Self::RequestFlood,
        Self::Redirect,
        Self::EndlessPages,
        Self::SecondAnswer,
        Self::AnswerAfterCancel,
        Self::WrongStream,
        Self::ForeignSubscription,
        Self::NotAcknowledged,
        Self::BadEventId,
        Self::ProgressGoesBack,
        Self::ForeignProgress,
        Self::ModernServerRequest,
        Self::ForbiddenCode,
        Self::UnknownResultType,
        Self::UnaskedInput,
        Self::EmptyInputRequired,
        Self::UndeclaredInput,
        Self::TooManyRounds,
        Self::NoCacheHints,
        Self::InvalidParamHeader,
        Self::ForeignEndpoint,
        Self::BadEndpoint,
        Self::OutputMissing,
        Self::InvalidOutputSchema,
        Self::OutputMismatch,
        Self::InvalidBase64,
        Self::TooManyCompletions,
        Self::OtherCallsAnswer,
        Self::OtherSessionsAnswer,
        Self::OtherUsersAnswer,
    ];
}
